"""Access tokens and refresh tokens."""
