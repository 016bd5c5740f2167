"""Who calls? Answered from the token and, on every request anew, from the stored account."""

from parley_auth.accounts.repository import UserRepository
from parley_auth.errors import AuthenticationRequired, InvalidToken
from parley_auth.models import Principal
from parley_auth.tokens.access_tokens import AccessTokens
from parley_core import Clock, Database


class Authenticator:
    """Turns an access token into the principal that its account is at this moment."""

    def __init__(self, database: Database, tokens: AccessTokens, clock: Clock) -> None:
        self._users = UserRepository(database)
        self._tokens = tokens
        self._clock = clock

    async def authenticate(self, token: str | None) -> Principal:
        """The caller.

        Raises:
            AuthenticationRequired: no token was sent.
            TokenExpired: its time is over.
            InvalidToken: it is not ours, or its session has ended, or the account is gone or inactive.
        """
        if not token:
            raise AuthenticationRequired
        principal = await self._users.principal(self._tokens.verify(token), self._clock())
        if principal is None:
            raise InvalidToken
        return principal
