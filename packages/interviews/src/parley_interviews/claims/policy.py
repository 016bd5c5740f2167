"""Which names a request claims for the interview that it creates. No I/O."""

import hashlib
from datetime import datetime, timedelta

from parley_interviews.claims.models import Claim

KEY_LIFETIME = timedelta(hours=24)
"""How long a request can be repeated with its `Idempotency-Key`."""


def external_id_claim(external_id: str) -> Claim:
    """Return the claim of an external id, which belongs to its interview until that gets another one."""
    return Claim(name=f"external_id:{external_id}")


def key_claim(key: str, *, creator_id: str, body: str, at: datetime) -> Claim:
    """Return the claim of an `Idempotency-Key`.

    Args:
        key: the header.
        creator_id: the caller; each has keys of their own.
        body: what they send, in one spelling.
        at: now.
    """
    digest = hashlib.sha256(body.encode()).hexdigest()
    return Claim(name=f"idempotency_key:{creator_id}:{key}", body=digest, expires_at=at + KEY_LIFETIME)
