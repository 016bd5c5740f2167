"""An append-only message log inside each interview."""

from parley_messaging.models import Message

__all__ = ["Message"]
