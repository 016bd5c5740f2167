"""The default identity: the access token says which account, the stored account says whether and as what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parley_auth.errors import AuthenticationRequired, InvalidToken
from parley_auth.indexes import USERS
from parley_auth.models import Claims, Principal
from parley_auth.tokens.access_tokens import AccessTokens
from parley_core import Clock, Database
from parley_core.data.point_reads import PointReader

_READ = {"role": True, "active": True, "token_version": True, "sessions.id": True, "sessions.ends_at": True}


class Authenticator:
    """Turns an access token into the principal that its account is now; the account is read on each request.

    Args:
        database: the database of the accounts.
        tokens: verifies access tokens.
        clock: returns the time.
    """

    def __init__(self, *, database: Database, tokens: AccessTokens, clock: Clock) -> None:
        self._accounts = PointReader(database[USERS], _READ)
        self._tokens = tokens
        self._clock = clock

    async def authenticate(self, token: str | None) -> Principal:
        """Return the caller.

        Raises:
            AuthenticationRequired: no token was sent.
            TokenExpired: the token's lifetime is over.
            InvalidToken: the token is not ours, its session has ended, or the account is gone or inactive.
        """
        if not token:
            raise AuthenticationRequired
        claims = self._tokens.verify(token)
        account = await self._accounts.read(claims.user_id)
        if account is None or not _admits(account, claims, self._clock()):
            raise InvalidToken
        return Principal(claims.user_id, account["role"], claims.session_id)


def _admits(account: Mapping[str, Any], claims: Claims, now: datetime) -> bool:
    """Return whether the account is active and has the token version and a live session that the claims name."""
    if not account["active"] or account.get("token_version", 0) != claims.token_version:
        return False
    return any(s["id"] == claims.session_id and s["ends_at"] > now for s in account.get("sessions", ()))
