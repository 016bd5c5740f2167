"""The successor of a spent refresh token, stored so that only the spent token opens it (AES-GCM, HKDF)."""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from parley_auth.tokens.refresh_tokens import RefreshToken

_PURPOSE = b"parley refresh successor 1"
_KEY_PURPOSE = b"parley idempotency key 1"
_NONCE_BYTES = 12


def seal(successor: RefreshToken, spent: RefreshToken) -> bytes:
    """Return the successor's secret, encrypted with a key that is derived from the spent token's secret."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher_of(spent).encrypt(nonce, successor.secret, _bound_to(spent))


def unseal(sealed: bytes, spent: RefreshToken) -> RefreshToken | None:
    """Return the successor that `seal` was given; None when the bytes are another token's, or were changed."""
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        secret = _cipher_of(spent).decrypt(nonce, text, _bound_to(spent))
    except (InvalidTag, ValueError):
        return None
    return RefreshToken(spent.user_id, spent.session_id, secret)


def digest_of_key(key: str, token: RefreshToken) -> str:
    """Return the digest of an `Idempotency-Key`; each token gives another, which nobody can make without it."""
    return hmac.digest(token.secret, _KEY_PURPOSE + key.encode(), "sha256").hex()


def _cipher_of(spent: RefreshToken) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(spent.secret))


def _bound_to(spent: RefreshToken) -> bytes:
    return bytes.fromhex(spent.user_id) + bytes.fromhex(spent.session_id)
