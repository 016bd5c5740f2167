"""Receivers, names and senders for tests; needs `parley-webhooks[testing]`."""

from parley_webhooks.testing.inboxes import Delivery, Inbox, webhooks_settings
from parley_webhooks.testing.names import Names
from parley_webhooks.testing.receivers import Listener, Received, Receiver, answering
from parley_webhooks.testing.sending import SenderOf, reason_of

__all__ = [
    "Delivery",
    "Inbox",
    "Listener",
    "Names",
    "Received",
    "Receiver",
    "SenderOf",
    "answering",
    "reason_of",
    "webhooks_settings",
]
