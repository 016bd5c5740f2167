"""Access tokens: JWTs of RFC 9068's type, HS256, short-lived, every claim required."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import jwt

from parley_auth.errors import InvalidToken, TokenExpired
from parley_auth.verified import VerifiedTokens
from parley_core import Clock
from parley_core.ids import ID_PATTERN

_ALGORITHM = "HS256"
_TYPE = "at+jwt"
_ISSUER = _AUDIENCE = "parley"
_CLAIMS = ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "tv"]
_LONGEST = 2048
_ID = re.compile(ID_PATTERN)
_LEEWAY = timedelta(seconds=5)


@dataclass(frozen=True)
class Claims:
    """What a verified token says.

    Args:
        user_id: whose it is.
        token_version: the account's token version when it was issued; a raised one outdates it.
    """

    user_id: str
    token_version: int


@dataclass(frozen=True)
class IssuedToken:
    """A signed token and its lifetime in seconds."""

    text: str
    expires_in: int


class AccessTokens:
    """Issues and verifies access tokens under one secret."""

    def __init__(self, secret: bytes, *, lifetime: timedelta, clock: Clock) -> None:
        self._secret = secret
        self._lifetime = lifetime
        self._clock = clock
        self._verified = VerifiedTokens(self._decode)

    def issue(self, user_id: str, *, token_version: int) -> IssuedToken:
        """A token for an account, valid from now for the configured lifetime."""
        now = self._clock()
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
            "jti": secrets.token_urlsafe(16),
            "tv": token_version,
        }
        text = jwt.encode(claims, self._secret, algorithm=_ALGORITHM, headers={"typ": _TYPE})
        return IssuedToken(text, int(self._lifetime.total_seconds()))

    def verify(self, token: str) -> Claims:
        """The claims of a token that this application issued and that is valid now.

        Raises:
            TokenExpired: it was valid once.
            InvalidToken: anything else is wrong with it.
        """
        # Judged unread: a long token is nobody's, and parsing it costs.
        if len(token) > _LONGEST:
            raise InvalidToken
        try:
            claims = self._verified.claims(token)
        except jwt.InvalidTokenError as error:
            raise InvalidToken from error
        return self._judged(claims)

    def _decode(self, token: str) -> dict[str, object]:
        if jwt.get_unverified_header(token).get("typ") != _TYPE:
            raise InvalidToken
        # The times are judged below, by the application's own clock.
        return jwt.decode(
            token,
            self._secret,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options={"require": _CLAIMS, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )

    def _judged(self, claims: Mapping[str, object]) -> Claims:
        subject, version = claims["sub"], claims["tv"]
        issued, begins, expires = claims["iat"], claims["nbf"], claims["exp"]
        if type(subject) is not str or not _ID.fullmatch(subject) or type(version) is not int:
            raise InvalidToken
        if type(issued) is not int or type(begins) is not int or type(expires) is not int:
            raise InvalidToken
        now = self._clock().timestamp()
        if expires - issued > self._lifetime.total_seconds() or max(issued, begins) > now + _LEEWAY.total_seconds():
            raise InvalidToken
        if expires <= now:
            raise TokenExpired
        return Claims(subject, version)
