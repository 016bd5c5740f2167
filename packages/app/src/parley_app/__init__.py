"""The Parley application: it mounts whatever plugins are installed, and brings the `parley` command."""

from parley_app.application import create_app

__all__ = ["create_app"]
