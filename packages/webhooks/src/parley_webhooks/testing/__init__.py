"""Receivers and names for tests; needs `parley-webhooks[testing]`."""

from parley_webhooks.testing.names import Names
from parley_webhooks.testing.receivers import Listener, Received, Receiver, answering

__all__ = ["Listener", "Names", "Received", "Receiver", "answering"]
