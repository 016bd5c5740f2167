"""The Parley application: it mounts the plugins that are installed and provides the `parley` command."""

from typing import TYPE_CHECKING

from parley_core.lazily import lazily

if TYPE_CHECKING:
    from parley_app.application import create_app

__all__ = ["create_app"]

__getattr__ = lazily(
    __name__,
    {
        "application": ("create_app",),
    },
)
