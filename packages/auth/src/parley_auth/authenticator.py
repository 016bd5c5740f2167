"""Who calls? Answered from the token and, on every request anew, from the stored account."""

from parley_auth.errors import AuthenticationRequired, InvalidToken
from parley_auth.models import Principal
from parley_auth.repository import UserRepository
from parley_auth.tokens import AccessTokens
from parley_core import Database


class Authenticator:
    """Turns an access token into the principal that its account is at this moment."""

    def __init__(self, database: Database, tokens: AccessTokens) -> None:
        self._users = UserRepository(database)
        self._tokens = tokens

    async def authenticate(self, token: str | None) -> Principal:
        """The caller.

        Raises:
            AuthenticationRequired: no token was sent.
            TokenExpired: its time is over.
            InvalidToken: it is not ours, or the account is gone, inactive or past the token's version.
        """
        if not token:
            raise AuthenticationRequired
        claims = self._tokens.verify(token)
        principal = await self._users.principal(claims.user_id, token_version=claims.token_version)
        if principal is None:
            raise InvalidToken
        return principal
