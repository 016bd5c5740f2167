"""The office's library: everybody sees its books, administrators add books."""

from library.application import create_app

__all__ = ["create_app"]
