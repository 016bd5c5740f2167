"""The default identity: the token or key says which account, the stored account says whether and as what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parley_auth.authorization.identity import Verified
from parley_auth.callers import CallerReader
from parley_auth.errors import AuthenticationRequired, InvalidToken
from parley_auth.keys.authenticator import KeyAuthenticator
from parley_auth.keys.models import PREFIX
from parley_auth.models import Claims, Principal
from parley_auth.tokens.access_tokens import AccessTokens
from parley_core import Clock


class Authenticator:
    """Turns an access token or an API key into the principal that its account is now; it is read on each request.

    Args:
        accounts: reads the accounts.
        tokens: verifies access tokens.
        keys: authenticates those who call with an API key.
        clock: returns the time.
    """

    def __init__(self, *, accounts: CallerReader, tokens: AccessTokens, keys: KeyAuthenticator, clock: Clock) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._keys = keys
        self._clock = clock

    async def authenticate(self, token: str | None, verified: Verified | None = None) -> Principal:
        """Return the caller.

        Args:
            token: what was sent.
            verified: called with the account's id, of a token once its signature is verified, and of a key, which
                nothing but the account verifies, once that is read.

        Raises:
            AuthenticationRequired: no token was sent.
            TokenExpired: the token's lifetime is over.
            InvalidToken: the token is not ours, its session has ended, or the account is gone or inactive; or the key
                has expired or was revoked, or its creator is no active administrator.
        """
        if not token:
            raise AuthenticationRequired
        if token.startswith(PREFIX):
            return await self._principal_of_key(token, verified)
        claims = self._tokens.verify(token)
        self._accounts.begin(claims.user_id)
        if verified:
            verified(claims.user_id)
        account = await self._accounts.read(claims.user_id)
        if account is None or not _admits(account, claims, self._clock()):
            raise InvalidToken
        return Principal(claims.user_id, account["role"], claims.session_id)

    async def _principal_of_key(self, key: str, verified: Verified | None) -> Principal:
        principal = await self._keys.principal_of(key)
        if verified:
            verified(principal.id)
        return principal


def _admits(account: Mapping[str, Any], claims: Claims, now: datetime) -> bool:
    """Return whether the account is active and has the token version and a live session that the claims name."""
    if not account["active"] or account.get("token_version", 0) != claims.token_version:
        return False
    # A loop, since a generator is one call more for each session of each request.
    for session in account.get("sessions", ()):
        if session["id"] == claims.session_id:
            return bool(session["ends_at"] > now)
    return False
