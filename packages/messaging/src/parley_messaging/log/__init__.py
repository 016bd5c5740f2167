"""The message log of an interview: posting and reading."""
