"""Signatures of Standard Webhooks 1.0, which receivers verify with its libraries."""

import base64
import secrets as random
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

# 24 to 64 are allowed.
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(random.token_bytes(_SECRET_BYTES)).decode("ascii")


def signed(secrets: Sequence[str], *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that make a body verifiable.

    Args:
        secrets: each signs, so that a receiver may know any of them.
        message_id: the same at each attempt; receivers recognise repetitions by it.
        at: the instant of this attempt. Receivers refuse one that is more than five minutes away.
        body: the bytes that are sent, in UTF-8.
    """
    # The library takes the clock's time of any zone for UTC.
    instant, text = at.astimezone(UTC), body.decode("utf-8")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(instant.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, instant, text) for secret in secrets),
    }
