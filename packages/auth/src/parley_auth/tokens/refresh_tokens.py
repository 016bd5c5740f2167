"""Refresh tokens: opaque to clients, 128 random bits and a MAC, stored only as a SHA-256 (ASVS 7.2.3, 9.1.1)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from parley_auth.signing.key_ring import KeyRing

_VERSION = b"\x01"
_ID_BYTES = 12
_RANDOM_BYTES = _MAC_BYTES = 16
_SECRET_BYTES = _RANDOM_BYTES + _MAC_BYTES
# One byte of version makes the length a multiple of three, so that no padding is needed.
_LENGTH = 4 * (1 + 2 * _ID_BYTES + _SECRET_BYTES) // 3
_PURPOSE = b"parley refresh token 1"


@dataclass(frozen=True)
class RefreshToken:
    """The parts of a refresh token.

    Args:
        user_id: the account that it was issued to, so that its session is found by a point read.
        session_id: the session that it continues.
        secret: 16 random bytes and their MAC; tokens of older releases have 32 random bytes.
    """

    user_id: str
    session_id: str
    secret: bytes

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


class RefreshTokens:
    """Issues refresh tokens and recognises them later, also those that are no longer stored.

    Args:
        keys: the MAC keys are derived from them; the first makes the MAC, all recognise it.
    """

    def __init__(self, keys: KeyRing) -> None:
        derived = (key.derived(_PURPOSE) for key in keys)
        self._keys = [key for key in derived if key is not None]

    def issue(self, user_id: str, session_id: str) -> RefreshToken:
        """Return a new token of a session."""
        random = secrets.token_bytes(_RANDOM_BYTES)
        return RefreshToken(user_id, session_id, random + _mac(self._keys[0], user_id, session_id, random))

    def recognise(self, token: RefreshToken) -> bool:
        """Return whether the token was issued with one of the keys; False for tokens of releases without a MAC."""
        random, mac = token.secret[:_RANDOM_BYTES], token.secret[_RANDOM_BYTES:]
        return any(hmac.compare_digest(mac, _mac(key, token.user_id, token.session_id, random)) for key in self._keys)


def _mac(key: bytes, user_id: str, session_id: str, random: bytes) -> bytes:
    data = _VERSION + bytes.fromhex(user_id) + bytes.fromhex(session_id) + random
    return hmac.digest(key, data, "sha256")[:_MAC_BYTES]
