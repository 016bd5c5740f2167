"""Refresh tokens: opaque to clients, 256 random bits, kept only as their SHA-256 (ASVS 7.2.3, 9.1.1)."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass

_VERSION = b"\x01"
_ID_BYTES = 12
_SECRET_BYTES = 32
# One byte of version makes the length a multiple of three, so that no padding is needed.
_LENGTH = 4 * (1 + 2 * _ID_BYTES + _SECRET_BYTES) // 3


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token taken apart.

    Args:
        user_id: whose session it continues; so that finding it is a point read.
        session_id: the session.
        secret: what proves it.
    """

    user_id: str
    session_id: str
    secret: bytes

    @classmethod
    def new(cls, user_id: str, session_id: str) -> "RefreshToken":
        """A new token of a session."""
        return cls(user_id, session_id, secrets.token_bytes(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken | None":
        """The token that `text` spells; None for anything else."""
        if len(text) != _LENGTH:
            return None
        try:
            data = base64.b64decode(text, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if data[:1] != _VERSION:
            return None
        ids = data[1 : 1 + 2 * _ID_BYTES]
        return cls(ids[:_ID_BYTES].hex(), ids[_ID_BYTES:].hex(), data[1 + 2 * _ID_BYTES :])

    @property
    def text(self) -> str:
        """The token as clients keep it."""
        data = _VERSION + bytes.fromhex(self.user_id) + bytes.fromhex(self.session_id) + self.secret
        return base64.urlsafe_b64encode(data).decode()

    @property
    def digest(self) -> str:
        """What the database keeps of it."""
        return hashlib.sha256(self.secret).hexdigest()


@dataclass(frozen=True)
class Exchange:
    """Where a session's exchanges of refresh tokens stand.

    Args:
        current: the digest of the token that can be exchanged next.
        spent: the digest of the one that was exchanged last.
        raced_until: nanoseconds since 1970: a request for `spent` that began before can't have seen its answer.
    """

    current: str
    spent: str | None
    raced_until: int

    def raced(self, token: RefreshToken, begun: int) -> bool:
        """Whether the request that brought `token` ran beside its exchange, rather than after it."""
        return token.digest == self.spent and begun < self.raced_until
