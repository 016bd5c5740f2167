"""Refresh tokens: opaque to clients, 256 random bits, stored only as their SHA-256 (ASVS 7.2.3, 9.1.1)."""

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
    """The parts of a refresh token.

    Args:
        user_id: the account that it was issued to, so that its session is found by a point read.
        session_id: the session that it continues.
        secret: the random bits that show that it was issued.
    """

    user_id: str
    session_id: str
    secret: bytes

    @classmethod
    def new(cls, user_id: str, session_id: str) -> "RefreshToken":
        """Return a new token of a session."""
        return cls(user_id, session_id, secrets.token_bytes(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken | None":
        """Return the token that `text` spells; None for any other text."""
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
        """The token as clients receive it."""
        data = _VERSION + bytes.fromhex(self.user_id) + bytes.fromhex(self.session_id) + self.secret
        return base64.urlsafe_b64encode(data).decode()

    @property
    def digest(self) -> str:
        """The SHA-256 of its secret, which is all that the database stores."""
        return hashlib.sha256(self.secret).hexdigest()
