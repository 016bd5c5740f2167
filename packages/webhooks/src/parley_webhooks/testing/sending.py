"""Deliveries in tests."""

from typing import Protocol

import pytest

from parley_webhooks.transport.failures import Reason, Unanswered
from parley_webhooks.transport.sender import Sender


class SenderOf(Protocol):
    """Makes senders that may send to these networks besides the public ones; each is closed after the test."""

    def __call__(self, *allowed: str, seconds: float = 10.0) -> Sender: ...


async def reason_of(sender: Sender, url: str, body: bytes = b"{}") -> Reason:
    """Send, and return why there is no answer."""
    with pytest.raises(Unanswered) as caught:
        await sender.send(url, headers={}, body=body)
    return caught.value.reason
