"""A package only so that its conftest has another name for mypy than the one above it."""
