"""The keys that sign and verify access tokens: several at once, so that one can give way to the next."""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWK
from jwt.algorithms import OKPAlgorithm

_ALGORITHMS = {("oct", None): "HS256", ("OKP", "Ed25519"): "EdDSA"}
_PUBLIC_MEMBERS = ("kty", "crv", "x")
MIN_SECRET_BYTES = 32


class UnusableKey(ValueError):
    """A key can't be used; the message says why and never holds the key."""


@dataclass(frozen=True)
class Key:
    """One key.

    Args:
        id: the `kid` that tokens name it by.
        algorithm: the only algorithm that it signs and verifies with.
        signing: what PyJWT signs with; None for a public key, which verifies only.
        verifying: what PyJWT verifies with.
        public: its public JWK (RFC 7517) for other services; None for a shared secret.
    """

    id: str
    algorithm: str
    signing: Any
    verifying: Any
    public: dict[str, str] | None


class KeyRing:
    """The keys of one application; the first signs, all verify.

    Raises:
        UnusableKey: there is none, two have one id, or the first can't sign.
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
            raise UnusableKey(f"the first key, '{self.signer.id}', is a public one, which can't sign")

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def get(self, key_id: object) -> Key | None:
        """The key of that id."""
        return self._keys.get(key_id) if isinstance(key_id, str) else None

    def public_set(self) -> dict[str, Sequence[dict[str, str]]]:
        """The JWK Set of the public keys (RFC 7517, section 5); shared secrets are never in it."""
        return {"keys": [key.public for key in self._keys.values() if key.public is not None]}


def parse_keys(text: str) -> list[Key]:
    """The keys of a JWK Set, in its order.

    Raises:
        UnusableKey: it isn't a JWK Set, or one of its keys can't be used.
    """
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, TypeError, KeyError):
        raise UnusableKey('must be a JWK Set: {"keys": [...]}') from None
    if not isinstance(keys, list):
        raise UnusableKey('must be a JWK Set: {"keys": [...]}')
    return list(KeyRing(key_of(jwk) for jwk in keys))


def new_jwk(algorithm: str) -> dict[str, str]:
    """A new private JWK for EdDSA or HS256, with a random `kid`."""
    kid = secrets.token_hex(8)
    if algorithm == "HS256":
        return {"kty": "oct", "kid": kid, "k": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")}
    return {"kid": kid, **OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)}


def secret_key(secret: bytes) -> Key:
    """The HS256 key that a shared secret is; its id is derived from it, so that all workers agree."""
    return Key(hashlib.sha256(b"kid:" + secret).hexdigest()[:16], "HS256", secret, secret, None)


def key_of(jwk: object) -> Key:
    """The key that a JWK describes: `oct` of 32 bytes or more, or `OKP` with Ed25519.

    Raises:
        UnusableKey: it is of another kind, malformed, or has no `kid`.
    """
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or not jwk["kid"]:
        raise UnusableKey("every key needs a kid")
    algorithm = _ALGORITHMS.get((jwk.get("kty"), jwk.get("crv")))
    if algorithm is None:
        raise UnusableKey(f"key '{jwk['kid']}': only kty oct, and kty OKP with crv Ed25519, are used")
    try:
        parsed = PyJWK.from_dict(jwk, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise UnusableKey(f"key '{jwk['kid']}' is malformed ({type(error).__name__})") from None
    return _shared(jwk, parsed.key) if algorithm == "HS256" else _asymmetric(jwk, parsed.key)


def _shared(jwk: dict[str, Any], secret: bytes) -> Key:
    if len(secret) < MIN_SECRET_BYTES:
        raise UnusableKey(f"key '{jwk['kid']}' is weak: it needs {MIN_SECRET_BYTES} bytes or more")
    return Key(jwk["kid"], "HS256", secret, secret, None)


def _asymmetric(jwk: dict[str, Any], key: Any) -> Key:
    is_private = "d" in jwk
    public = {"kid": jwk["kid"], "use": "sig", "alg": "EdDSA", **{m: jwk[m] for m in _PUBLIC_MEMBERS}}
    return Key(jwk["kid"], "EdDSA", key if is_private else None, key.public_key() if is_private else key, public)
