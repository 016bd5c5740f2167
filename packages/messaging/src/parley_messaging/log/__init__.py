"""The message log of a resource: posting and reading."""
