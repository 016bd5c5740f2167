"""The Parley application: it mounts the plugins that are installed and provides the `parley` command."""

from parley_app.application import create_app

__all__ = ["create_app"]
