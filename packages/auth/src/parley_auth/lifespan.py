"""The lifespan of auth: the first administrator, the identity that guards ask, and the threads that hash passwords."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_auth.accounts.bootstrap import Administrators
from parley_auth.accounts.search_words import SearchWords
from parley_auth.authorization.account_lock import AccountLock
from parley_auth.authorization.authorizer import Authorizer
from parley_auth.authorization.identity import chosen_identity
from parley_auth.authorization.policy_table import PolicyTable
from parley_auth.authorization.registry import ScopeRegistry
from parley_auth.keys.usage import KeyUsage
from parley_auth.passwords.hashing import Passwords, common_passwords
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.settings import AuthSettings
from parley_auth.when_back import WhenBack
from parley_core import Parley


@asynccontextmanager
async def auth_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Provide the authorizer, create the first administrator, and surround the application with auth's own work.

    Raises:
        StartupError: several plugins bring an identity, or the first administrator can't be created.
    """
    announce = None if parley.data_dir is None else parley.announce
    try:
        own = parley.require(Authenticator)
        identity = chosen_identity(parley.services(object), default=own)
        # A command such as `parley create-admin` runs without routes, and so without a composed policy.
        if parley.is_verified:
            policy, scopes = parley.require(PolicyTable), parley.require(ScopeRegistry)
            parley.provide(Authorizer.of(identity, policy, scopes))
        parley.provide(AccountLock(database=parley.database, clock=parley.clock, checks_sessions=identity is own))
        # Loaded here rather than by the first registration, which would stop all other requests for 0.1 s.
        common_passwords()
        administrators, settings = parley.require(Administrators), parley.settings(AuthSettings)
        await administrators.ensure_first(settings, announce=announce)
        # A command such as `parley create-admin` is given settings of its own.
        if parley.is_verified:
            await administrators.warn_of_unused(settings)
        async with parley.require(SearchWords).completing():
            yield
    finally:
        parley.require(Passwords).close()
        await parley.require(KeyUsage).close()
        await parley.require(WhenBack).close()
