"""The keys that sign and verify access tokens: several at once, so that keys can be rotated."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt import PyJWK
from jwt.algorithms import OKPAlgorithm

MIN_SECRET_BYTES = 32
_MIN_DISTINCT = 10
_PLACEHOLDERS = (b"secret", b"change", b"password", b"example", b"default")
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NO_SET = 'must be a JWK Set: {"keys": [...]}'
# SHA-256 of the example keys of RFC 7515, A.1, and RFC 8037, A.1.
_PUBLISHED = {
    "c8ecc9361a05e285f04c26f9572131a6deab07e9e2b865053c6f75a4d8bd2b32",
    "644d50ab64864c20a12b3c4656d46b4a48f69ef7c47ecdc8415cd28316b22ef5",
}


class UnusableKey(ValueError):
    """A key that cannot be used; the message says why and never contains the key."""


@dataclass(frozen=True)
class Key:
    """One key.

    Args:
        id: the `kid` in the header of its tokens.
        algorithm: the only algorithm that it signs and verifies with.
        signing: PyJWT's signing key; None for a public key, which only verifies.
        verifying: PyJWT's verifying key.
        public: its public JWK (RFC 7517) for other services; None for a shared secret.
    """

    id: str
    algorithm: str
    signing: Any
    verifying: Any
    public: Mapping[str, str] | None

    def derived(self, purpose: bytes) -> bytes | None:
        """Return 32 bytes for another purpose than signing (HKDF, RFC 5869); None for a public key, which has none."""
        if self.signing is None:
            return None
        secret = self.signing if isinstance(self.signing, bytes) else self.signing.private_bytes_raw()
        return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret)


class KeyRing:
    """The keys of one application; the first signs, all verify.

    Raises:
        UnusableKey: there is no key, two have the same id, or the first cannot sign.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys: dict[str, Key] = {}
        for key in keys:
            if self._keys.setdefault(key.id, key) is not key:
                raise UnusableKey(f"two keys have the id '{key.id}'")
        if not self._keys:
            raise UnusableKey("there is no key")
        self.signer = next(iter(self._keys.values()))
        if self.signer.signing is None:
            raise UnusableKey(f"the first key, '{self.signer.id}', is a public key, which cannot sign")

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def get(self, key_id: object) -> Key | None:
        """Return the key with this id."""
        return self._keys.get(key_id) if isinstance(key_id, str) else None

    def public_set(self) -> Sequence[Mapping[str, str]]:
        """Return the public keys as the members of a JWK Set (RFC 7517, section 5), without shared secrets."""
        return [key.public for key in self if key.public is not None]


def parse_keys(text: str) -> list[Key]:
    """Return the keys of a JWK Set, in its order.

    Raises:
        UnusableKey: the text is no JWK Set, or one of its keys cannot be used.
    """
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UnusableKey(_NO_SET) from None
    if not isinstance(keys, list):
        raise UnusableKey(_NO_SET)
    return list(KeyRing(key_of(jwk) for jwk in keys))


def new_jwk(algorithm: str) -> dict[str, str]:
    """Return a new private JWK for EdDSA or HS256, with a random `kid`."""
    kid = secrets.token_hex(8)
    if algorithm == "HS256":
        return {"kty": "oct", "kid": kid, "k": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")}
    return {"kid": kid, **OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)}


def secret_key(secret: bytes) -> Key:
    """Return the HS256 key of a shared secret; its id is derived from the secret, so that all workers agree."""
    return Key(hashlib.sha256(b"kid:" + secret).hexdigest()[:16], "HS256", secret, secret, None)


def key_of(jwk: object) -> Key:
    """Return the key that a JWK describes: `oct` of 32 bytes or more, or `OKP` with Ed25519.

    Raises:
        UnusableKey: the JWK is of another kind, malformed, weak, or has no `kid`.
    """
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or not _KEY_ID.fullmatch(jwk["kid"]):
        raise UnusableKey("every key needs a kid of 1 to 64 letters, digits, dots, dashes or underscores")
    try:
        return _key(jwk)
    except UnusableKey as error:
        raise UnusableKey(f"key '{jwk['kid']}' {error}") from None
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnusableKey(f"key '{jwk['kid']}' is malformed ({type(error).__name__})") from None


def check_secret(secret: bytes) -> None:
    """Raise `UnusableKey` for a secret that is short, repetitive, a placeholder or published in a standard."""
    if len(secret) < MIN_SECRET_BYTES or len(set(secret)) < _MIN_DISTINCT:
        raise UnusableKey(
            f"is weak: it needs {MIN_SECRET_BYTES} random bytes or more, with at least {_MIN_DISTINCT} different ones"
        )
    if any(word in secret.lower() for word in _PLACEHOLDERS) or hashlib.sha256(secret).hexdigest() in _PUBLISHED:
        raise UnusableKey("looks like a placeholder: it needs random text")


def _key(jwk: dict[str, Any]) -> Key:
    match jwk:
        case {"kty": "oct"}:
            return _shared(jwk)
        case {"kty": "OKP", "crv": "Ed25519"}:
            return _asymmetric(jwk)
        case _:
            raise UnusableKey("has an unsupported type: use kty oct, or kty OKP with crv Ed25519")


def _shared(jwk: dict[str, Any]) -> Key:
    secret = _parsed(jwk, "HS256")
    check_secret(secret)
    return Key(jwk["kid"], "HS256", secret, secret, None)


def _asymmetric(jwk: dict[str, Any]) -> Key:
    key = _parsed(jwk, "EdDSA")
    is_private = isinstance(key, Ed25519PrivateKey)
    if is_private:
        check_secret(key.private_bytes_raw())
    verifying = key.public_key() if is_private else key
    public = {"kid": jwk["kid"], "use": "sig", "alg": "EdDSA", **OKPAlgorithm.to_jwk(verifying, as_dict=True)}
    return Key(jwk["kid"], "EdDSA", key if is_private else None, verifying, public)


def _parsed(jwk: dict[str, Any], algorithm: str) -> Any:
    if jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig":
        raise UnusableKey(f"is meant for another use: here it would sign with {algorithm}")
    return PyJWK.from_dict(jwk, algorithm=algorithm).key
