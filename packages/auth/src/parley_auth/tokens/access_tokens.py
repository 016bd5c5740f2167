"""Access tokens: short-lived JWTs of RFC 9068's type, with every claim required and one algorithm per key."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from cachetools import FIFOCache
from jwt.types import Options
from jwt.utils import base64url_decode, base64url_encode

from parley_auth.errors import InvalidToken, TokenExpired
from parley_auth.models import Claims
from parley_auth.signing.key_ring import Key, KeyRing
from parley_core import Clock
from parley_core.data.ids import ID_PATTERN

_TYPE = "at+jwt"
_ISSUER = _AUDIENCE = "parley"
# No other: headers such as jwk, jku, x5u, crit or b64 would let the token say how it is to be verified.
_HEADER = {"alg", "typ", "kid"}
_CLAIMS = ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "tv"]
# The times are checked here, by the application's own clock.
_OPTIONS: Options = {
    "require": _CLAIMS,
    "strict_aud": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}
_MAX_LENGTH = 2048
_MAX_REMEMBERED = 8192
_ID = re.compile(ID_PATTERN)
# Of iat and nbf, for a server whose clock is behind that of the one that issued the token; exp has none.
_LEEWAY_SECONDS = 30


@dataclass(frozen=True)
class IssuedToken:
    """A signed token and its lifetime in seconds."""

    text: str
    expires_in: int


class AccessTokens:
    """Issues and verifies access tokens (RFC 8725, ASVS V9).

    A token is verified once per process: its claims are remembered by the token's SHA-256, so that no token stays in
    memory. Its times are checked on every request.

    Args:
        keys: the keys that sign and verify.
        lifetime: how long a token is valid.
        clock: returns the time.
    """

    def __init__(self, keys: KeyRing, *, lifetime: timedelta, clock: Clock) -> None:
        self._keys = keys
        self._lifetime = lifetime
        self._clock = clock
        # First in, first out: all tokens live equally long, so the oldest expires first.
        self._verified: FIFOCache[bytes, Claims] = FIFOCache(_MAX_REMEMBERED)

    def issue(self, user_id: str, *, session_id: str, token_version: int) -> IssuedToken:
        """Return a token of a session, valid from now on, signed with the first key."""
        now = self._clock()
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
            "jti": secrets.token_urlsafe(16),
            "sid": session_id,
            "tv": token_version,
        }
        key = self._keys.signer
        text = jwt.encode(claims, key.signing, algorithm=key.algorithm, headers={"typ": _TYPE, "kid": key.id})
        return IssuedToken(text, int(self._lifetime.total_seconds()))

    def verify(self, token: str) -> Claims:
        """Return the claims of a token that this application issued and that is valid now.

        Raises:
            TokenExpired: the token's lifetime is over.
            InvalidToken: anything else is wrong with the token.
        """
        # Refused unread: none of our tokens is that long, and parsing costs.
        if len(token) > _MAX_LENGTH:
            raise InvalidToken
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        try:
            claims = self._verified[digest]
        except KeyError:
            claims = self._verified[digest] = self._checked(self._decode(token))
        now = self._clock().timestamp()
        if claims.begins_at > now + _LEEWAY_SECONDS:
            raise InvalidToken
        if claims.expires_at <= now:
            raise TokenExpired
        return claims

    def _decode(self, token: str) -> Mapping[str, object]:
        try:
            key = self._key_of(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key.verifying,
                algorithms=[key.algorithm],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                options=_OPTIONS,
            )
        except jwt.InvalidTokenError as error:
            raise InvalidToken from error
        # The signature covers everything but its own spelling, and base64 has many spellings.
        signature = token.rpartition(".")[2]
        if base64url_encode(base64url_decode(signature)).decode() != signature:
            raise InvalidToken
        return claims

    def _key_of(self, header: Mapping[str, Any]) -> Key:
        key = self._keys.get(header.get("kid"))
        if key is None or header.keys() != _HEADER or header["typ"] != _TYPE or header["alg"] != key.algorithm:
            raise InvalidToken
        return key

    def _checked(self, claims: Mapping[str, object]) -> Claims:
        if claims.keys() != set(_CLAIMS):
            raise InvalidToken
        subject, session, version = claims["sub"], claims["sid"], claims["tv"]
        issued, begins, expires = claims["iat"], claims["nbf"], claims["exp"]
        if not _is_id(subject) or not _is_id(session) or type(version) is not int:
            raise InvalidToken
        if type(issued) is not int or type(begins) is not int or type(expires) is not int:
            raise InvalidToken
        if expires - issued > self._lifetime.total_seconds():
            raise InvalidToken
        return Claims(str(subject), str(session), version, expires, begins_at=max(issued, begins))


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None
