"""Following a message log as server-sent events."""
