"""What auth keeps open while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from parley_auth.accounts.bootstrap import ensure_first_admin
from parley_auth.passwords.hashing import Passwords, common_passwords
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.settings import AuthSettings
from parley_auth.tokens.access_tokens import AccessTokens
from parley_auth.tokens.secret import key_ring
from parley_core import Parley


@asynccontextmanager
async def auth_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Provides tokens, passwords and the authenticator, and makes the first administrator.

    Raises:
        StartupError: there is no secret to sign with, or the administrator can't be made.
    """
    lifetime = timedelta(minutes=parley.settings(AuthSettings).access_token_minutes)
    keys, passwords = key_ring(parley), Passwords()
    tokens = AccessTokens(keys, lifetime=lifetime, clock=parley.clock)
    for provided in (keys, tokens, passwords, Authenticator(parley.database, tokens, parley.clock)):
        parley.provide(provided)
    try:
        # Here rather than in the first registration, which would make all other requests wait 0.1 s.
        common_passwords()
        await ensure_first_admin(parley)
        yield
    finally:
        passwords.close()
