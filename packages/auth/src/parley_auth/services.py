"""The services of auth: each is made once, with the collaborators that it needs."""

from collections.abc import Sequence
from datetime import timedelta

from parley_auth.accounts.bootstrap import Administrators
from parley_auth.accounts.invitations import Invitations
from parley_auth.accounts.registration_repository import RegistrationRepository
from parley_auth.accounts.registrations import RegistrationBudget
from parley_auth.accounts.repository import UserDirectory, UserHistory, UserRepository
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
from parley_auth.sessions.repository import SessionRepository
from parley_auth.sessions.service import SessionService
from parley_auth.settings import AuthSettings
from parley_auth.signing.key_ring import KeyRing
from parley_auth.signing.secret import key_ring
from parley_auth.tokens.access_tokens import AccessTokens
from parley_auth.tokens.refresh_tokens import RefreshTokens
from parley_core import Clock, Database, Parley


def make_services(parley: Parley) -> Sequence[object]:
    """Return the services of auth; its lifespan closes `Passwords`.

    Raises:
        StartupError: there is no key to sign access tokens with.
    """
    settings, database, clock = parley.settings(AuthSettings), parley.database, parley.clock
    ring = _key_ring(parley)
    tokens = AccessTokens(ring, lifetime=timedelta(minutes=settings.access_token_minutes), clock=clock)
    refresh_tokens = RefreshTokens(ring)
    passwords, users, sessions = Passwords(), UserRepository(database), SessionRepository(database)
    throttle = Throttle(counters=ThrottleRepository(database), clock=clock)
    check = PasswordCheck(passwords=passwords, throttle=throttle)
    budget = RegistrationBudget(
        counters=RegistrationRepository(database), limit=settings.registrations_per_hour, clock=clock
    )
    roles = RoleRegistry(parley.plugins.declarations("parley_roles", Role))
    rules = _rules(parley, roles)
    invitations = Invitations(users=users, roles=roles, clock=clock)
    accounts = AccountService(
        users=users,
        invitations=invitations,
        passwords=passwords,
        check=check,
        rules=rules,
        roles=roles,
        budget=budget,
        settings=settings,
        clock=clock,
    )
    own_sessions = SessionService(
        users=users,
        sessions=sessions,
        tokens=tokens,
        refresh_tokens=refresh_tokens,
        passwords=passwords,
        check=check,
        clock=clock,
    )
    stored = LinkRepository(database)
    search = UserSearch(database)
    links = LinkService(links=stored, sessions=own_sessions, passwords=passwords, rules=rules, clock=clock)
    return [
        ring,
        tokens,
        refresh_tokens,
        passwords,
        throttle,
        check,
        users,
        UserDirectory(database),
        sessions,
        accounts,
        invitations,
        links,
        Recovery(users=users, links=stored, service=links, passwords=passwords, rules=rules, clock=clock),
        UserService(users=users, history=UserHistory(database), roles=roles, database=database, clock=clock),
        own_sessions,
        search,
        UserList(search=search, roles=roles),
        Administrators(accounts=accounts, users=users, passwords=passwords),
        *_callers(database, tokens, clock),
    ]


def _rules(parley: Parley, roles: RoleRegistry) -> PasswordRules:
    scopes = [d.value.name for d in parley.plugins.declarations("parley_participant_scopes", ParticipantScope)]
    min_length = parley.settings(AuthSettings).password_min_length
    return PasswordRules(min_length=min_length, roles=roles.by_name, scopes=scopes)


def _callers(database: Database, tokens: AccessTokens, clock: Clock) -> Sequence[object]:
    """Return what says who calls, and what manages API keys."""
    accounts, keys = CallerReader(database), KeyRepository(database)
    usage = KeyUsage(keys=keys, clock=clock)
    of_keys = KeyAuthenticator(accounts=accounts, usage=usage, clock=clock)
    authenticator = Authenticator(accounts=accounts, tokens=tokens, keys=of_keys, clock=clock)
    return [KeyService(keys=keys, clock=clock), usage, of_keys, authenticator]


def _key_ring(parley: Parley) -> KeyRing:
    settings = parley.settings(AuthSettings)
    jwk_set, secret = (s.get_secret_value() if s else None for s in (settings.jwt_keys, settings.jwt_secret))
    return key_ring(jwk_set=jwk_set, secret=secret, data_dir=parley.data_dir)
