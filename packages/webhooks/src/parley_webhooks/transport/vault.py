"""Seals the webhooks' secrets, so that whoever reads the database can't sign."""

import base64
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_MIN_DISTINCT = 10
_VERSION = b"\x01"
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_PURPOSE = b"parley-webhooks secret of "


class UnusableKey(ValueError):
    """A key that can't be used; the message says why and never contains the key."""


class SecretUnreadable(Exception):
    """A sealed secret that can't be opened; the message says why and what to do."""


class Vault:
    """Seals and opens secrets with AES-256-GCM (NIST SP 800-38D), each bound to its webhook.

    A sealed secret is a version, the id of its key, a nonce and the ciphertext.

    Args:
        keys: keys of 32 bytes; the first seals, all open.

    Raises:
        UnusableKey: there is no key, or one has another length or is weak.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise UnusableKey("there is no key")
        for key in keys:
            _check(key)
        self._ciphers = {_id_of(key): AESGCM(key) for key in keys}
        self._current = _id_of(keys[0])

    def sealed(self, secret: str, *, of: str) -> bytes:
        """Return the secret of a webhook as it may be stored.

        Args:
            secret: what to seal.
            of: the webhook's id; the same is needed to open it.
        """
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = self._ciphers[self._current].encrypt(nonce, secret.encode("utf-8"), _purpose(of))
        return _VERSION + self._current + nonce + ciphertext

    def opened(self, sealed: bytes, *, of: str) -> str:
        """Return the secret of a webhook.

        Raises:
            SecretUnreadable: its key is not among the keys, it is of another webhook, or it is damaged.
        """
        version, key_id, nonce, ciphertext = _parts(sealed)
        if version != _VERSION:
            raise SecretUnreadable("the secret was sealed by another version of parley-webhooks: update this one")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretUnreadable(
                "the secret was sealed with a key that is not in PARLEY_WEBHOOKS_KEY:"
                " add that key after a comma, or give the webhook a new secret"
            )
        try:
            return cipher.decrypt(nonce, ciphertext, _purpose(of)).decode("utf-8")
        except (InvalidTag, ValueError):
            raise SecretUnreadable(
                "the sealed secret is damaged or belongs to another webhook: give the webhook a new secret"
            ) from None


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys of PARLEY_WEBHOOKS_KEY: 32 random bytes each in base64, separated by commas.

    Raises:
        UnusableKey: one is not base64, has another length or is weak.
    """
    return tuple(_key(part.strip()) for part in text.split(","))


def new_key() -> str:
    """Return a new key in base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")


def _key(text: str) -> bytes:
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        raise UnusableKey("must be base64: `openssl rand -base64 32` makes a key") from None
    _check(key)
    return key


def _check(key: bytes) -> None:
    if len(key) != KEY_BYTES or len(set(key)) < _MIN_DISTINCT:
        raise UnusableKey("must be 32 random bytes in base64: `openssl rand -base64 32` makes a key")


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"key id:" + key).digest()[:_KEY_ID_BYTES]


def _purpose(webhook_id: str) -> bytes:
    return _PURPOSE + webhook_id.encode("utf-8")


def _parts(sealed: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    key_at, nonce_at = len(_VERSION), len(_VERSION) + _KEY_ID_BYTES
    text_at = nonce_at + _NONCE_BYTES
    return sealed[:key_at], sealed[key_at:nonce_at], sealed[nonce_at:text_at], sealed[text_at:]
