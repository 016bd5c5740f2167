"""The office's library: everybody sees its books, administrators add to them."""

from library.application import create_app

__all__ = ["create_app"]
