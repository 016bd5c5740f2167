"""The Parley application."""
