"""The services of auth: each is made once, with the collaborators that it needs."""

from collections.abc import Sequence
from datetime import timedelta

from parley_auth.accounts.bootstrap import Administrators
from parley_auth.accounts.invitations import Invitations
from parley_auth.accounts.registration_repository import RegistrationRepository
from parley_auth.accounts.registrations import RegistrationBudget
from parley_auth.accounts.repository import UserDirectory, UserHistory, UserRepository
from parley_auth.accounts.search_words import SearchWords
from parley_auth.accounts.service import AccountService, UserService
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.callers import CallerReader
from parley_auth.keys.authenticator import KeyAuthenticator
from parley_auth.keys.repository import KeyRepository
from parley_auth.keys.service import KeyService
from parley_auth.keys.usage import KeyUsage
from parley_auth.links.recovery import Recovery
from parley_auth.links.repository import LinkRepository
from parley_auth.links.service import LinkService
from parley_auth.listing.repository import UserSearch
from parley_auth.listing.service import UserList
from parley_auth.models import Role
from parley_auth.passwords.check import PasswordCheck
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.rules import PasswordRules
from parley_auth.passwords.throttle import Throttle
from parley_auth.passwords.throttle_repository import ThrottleRepository
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.sessions.refreshing import RefreshService
from parley_auth.sessions.repository import SessionRepository
from parley_auth.sessions.service import SessionService
from parley_auth.settings import AuthSettings
from parley_auth.signing.key_ring import KeyRing
from parley_auth.signing.secret import key_ring
from parley_auth.system.repository import SystemRepository
from parley_auth.system.service import SystemService
from parley_auth.tokens.access_tokens import AccessTokens
from parley_auth.tokens.refresh_tokens import RefreshTokens
from parley_auth.when_back import WhenBack
from parley_core import Clock, Database, Parley
from parley_core.caching.totals import CountedTotals
from parley_core.http.cursors import Cursors
from parley_core.http.walks import Walks
from parley_core.kernel.settings import CoreSettings


def make_services(parley: Parley) -> Sequence[object]:
    """Return the services of auth; its lifespan closes `Passwords`.

    Raises:
        StartupError: there is no key to sign access tokens with.
    """
    settings, database, clock = parley.settings(AuthSettings), parley.database, parley.clock
    ring = _key_ring(parley)
    tokens = AccessTokens(ring, lifetime=timedelta(minutes=settings.access_token_minutes), clock=clock)
    refresh_tokens, sessions = RefreshTokens(ring), SessionRepository(database)
    common = _Common(parley)
    own_sessions = SessionService(
        users=common.users,
        sessions=sessions,
        tokens=tokens,
        refresh_tokens=refresh_tokens,
        passwords=common.passwords,
        check=common.check,
        walks=parley.require(Walks),
        clock=clock,
    )
    refreshes = RefreshService(
        sessions=sessions,
        tokens=tokens,
        refresh_tokens=refresh_tokens,
        when_back=common.when_back,
        grace=timedelta(seconds=settings.refresh_grace_seconds),
        timeout_seconds=parley.request_timeout_seconds,
        clock=clock,
    )
    return [
        *(ring, tokens, refresh_tokens, sessions, own_sessions, refreshes),
        *_accounts(common),
        *_links(common, own_sessions),
        *_callers(database, tokens, common.cursors, clock),
        _system(parley),
    ]


class _Common:
    """What several services are made of."""

    def __init__(self, parley: Parley) -> None:
        self.settings = parley.settings(AuthSettings)
        self.database, self.clock = parley.database, parley.clock
        self.users, self.passwords = UserRepository(parley.database), Passwords()
        self.when_back = WhenBack()
        self.throttle = Throttle(counters=ThrottleRepository(parley.database), clock=parley.clock)
        self.check = PasswordCheck(passwords=self.passwords, throttle=self.throttle, when_back=self.when_back)
        self.cursors, self.totals = parley.require(Cursors), parley.require(CountedTotals)
        self.roles = RoleRegistry(parley.plugins.declarations("parley_roles", Role))
        scopes = [d.value.name for d in parley.plugins.declarations("parley_participant_scopes", ParticipantScope)]
        min_length = self.settings.password_min_length
        self.rules = PasswordRules(min_length=min_length, roles=self.roles.by_name, scopes=scopes)


def _accounts(common: _Common) -> Sequence[object]:
    """Return what creates, changes and finds accounts."""
    users, roles, database, clock = common.users, common.roles, common.database, common.clock
    budget = RegistrationBudget(
        counters=RegistrationRepository(database), limit=common.settings.registrations_per_hour, clock=clock
    )
    invitations, search = Invitations(users=users, roles=roles, clock=clock), UserSearch(database)
    accounts = AccountService(
        users=users,
        invitations=invitations,
        passwords=common.passwords,
        check=common.check,
        rules=common.rules,
        roles=roles,
        budget=budget,
        settings=common.settings,
        clock=clock,
    )
    return [
        users,
        UserDirectory(database),
        common.passwords,
        common.throttle,
        common.check,
        common.when_back,
        accounts,
        invitations,
        UserService(users=users, history=UserHistory(database), roles=roles, database=database, clock=clock),
        search,
        SearchWords(database),
        UserList(search=search, totals=common.totals, roles=roles, cursors=common.cursors),
        Administrators(accounts=accounts, users=users, passwords=common.passwords),
    ]


def _links(common: _Common, sessions: SessionService) -> Sequence[object]:
    """Return what sets passwords from outside: links, and the commands for operators."""
    stored, passwords, rules = LinkRepository(common.database), common.passwords, common.rules
    links = LinkService(links=stored, sessions=sessions, passwords=passwords, rules=rules, clock=common.clock)
    recovery = Recovery(
        users=common.users, links=stored, service=links, passwords=passwords, rules=rules, clock=common.clock
    )
    return [links, recovery]


def _callers(database: Database, tokens: AccessTokens, cursors: Cursors, clock: Clock) -> Sequence[object]:
    """Return what says who calls, and what manages API keys."""
    accounts, keys = CallerReader(database), KeyRepository(database)
    usage = KeyUsage(keys=keys, clock=clock)
    of_keys = KeyAuthenticator(accounts=accounts, usage=usage, clock=clock)
    authenticator = Authenticator(accounts=accounts, tokens=tokens, keys=of_keys, clock=clock)
    return [KeyService(keys=keys, cursors=cursors, clock=clock), usage, of_keys, authenticator]


def _system(parley: Parley) -> SystemService:
    return SystemService(
        repository=SystemRepository(parley.database),
        plugins=parley.plugins,
        core=parley.settings(CoreSettings),
        auth=parley.settings(AuthSettings),
        unknown=parley.unknown_settings,
    )


def _key_ring(parley: Parley) -> KeyRing:
    settings = parley.settings(AuthSettings)
    jwk_set, secret = (s.get_secret_value() if s else None for s in (settings.jwt_keys, settings.jwt_secret))
    return key_ring(jwk_set=jwk_set, secret=secret, data_dir=parley.data_dir)
