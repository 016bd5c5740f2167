"""Links: how invited people set their first password, and how a forgotten one is reset."""
