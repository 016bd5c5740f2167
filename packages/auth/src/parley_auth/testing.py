"""Builders of accounts and settings, for the tests of packages that build on auth; needs `parley-auth[testing]`."""

import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from parley_auth.accounts.repository import UserRepository
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.events import USER_CREATED
from parley_auth.models import AccountState, Role, User
from parley_auth.passwords.hashing import HASHER
from parley_auth.sessions.models import ABSOLUTE, IDLE, LoginSession
from parley_auth.sessions.repository import SessionRepository
from parley_auth.settings import AuthSettings
from parley_auth.tokens.access_tokens import AccessTokens
from parley_auth.tokens.refresh_tokens import RefreshToken, RefreshTokens
from parley_core import Actor, Event, Parley, new_id
from parley_core.testing import a_plugin

PASSWORD = "nine green bottles"
_numbers = itertools.count(1)
_TESTER = Actor(None, "system", "test")


def auth_settings(**changes: Any) -> AuthSettings:
    """Return settings with a secret, as a real deployment has one."""
    secret = SecretStr("k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aEu")
    return AuthSettings(**{"jwt_secret": secret, **changes})


def jwk_set(*keys: dict[str, str]) -> SecretStr:
    """Return a value of PARLEY_JWT_KEYS: these keys, of which the first signs."""
    return SecretStr(json.dumps({"keys": keys}))


@dataclass(frozen=True)
class Account:
    """An account, the headers that its owner sends, and its refresh token; both are empty unless it is active."""

    user: User
    headers: dict[str, str]
    refresh_token: str = ""

    @property
    def id(self) -> str:
        """The account's id."""
        return self.user.id


def roles_plugin(*names: str, registers: str) -> ModuleType:
    """Return a plugin that brings roles, for the tests of packages that don't build on one that does.

    Args:
        names: the roles.
        registers: another role, that of those who register by themselves.
    """
    roles = [Role(name, "For tests.", registers=name == registers) for name in (*names, registers)]
    return a_plugin("roles", parley_roles=roles)


class People:
    """One account of each role of an application, by the role's name: `people.admin`."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts

    def __getattr__(self, role: str) -> Account:
        return self._accounts[role]

    def headers_of(self, caller: str) -> dict[str, str]:
        """Return the headers of a caller: one of the roles, or "anonymous"."""
        return {} if caller == "anonymous" else dict(self._accounts[caller].headers)


async def some_people(app: FastAPI, *, password: str | None = None) -> People:
    """Store one account of each role in a running application and log it in, all with this password."""
    roles: RoleRegistry = app.state.parley.require(RoleRegistry)
    return People({role: await an_account(app, role, password=password) for role in roles.by_name})


async def an_account(
    app: FastAPI,
    role: str | None = None,
    *,
    email: str | None = None,
    name: str | None = None,
    active: bool = True,
    invited: bool = False,
    verified: bool = False,
    password: str | None = None,
) -> Account:
    """Store an account in a running application and log it in.

    Args:
        app: the running application.
        role: its role; by default that of those who register.
        email: its e-mail, normalised; by default one that no other account has.
        name: its name; by default one like "Admin 7".
        active: whether it is active.
        invited: whether it waits for its first password; nobody is logged in then.
        verified: whether its e-mail was proved.
        password: its password; by default it has none.
    """
    parley: Parley = app.state.parley
    role = role or parley.require(RoleRegistry).registering
    assert role is not None
    number = next(_numbers)
    user = User(
        id=new_id(),
        email=email or f"{role}-{number}@example.com",
        name=name or f"{role.title()} {number}",
        role=role,
        active=active,
        created_at=parley.clock(),
        invited=invited,
        verified=verified,
    )
    event = Event(type=USER_CREATED, at=user.created_at, actor=_TESTER, audience=(user.id,))
    password_hash = _hash_of(password) if password else "no password"
    await parley.require(UserRepository).add(user, None if invited else password_hash, event)
    if user.state is not AccountState.ACTIVE:
        return Account(user, {})
    token = await open_session(parley, user)
    return Account(user, bearer(parley, user.id, token.session_id), token.text)


@cache
def _hash_of(password: str) -> str:
    # Once per test run: hashing is slow on purpose.
    return HASHER.hash(password)


async def log_in(parley: Parley, user: User) -> dict[str, str]:
    """Open a new session of a stored, active account and return the headers of its requests."""
    token = await open_session(parley, user)
    found = await parley.require(UserRepository).credentials({"_id": user.id})
    assert found is not None
    return bearer(parley, user.id, token.session_id, token_version=found.token_version)


async def open_session(parley: Parley, user: User) -> RefreshToken:
    """Open a new session of a stored, active account without its password."""
    found = await parley.require(UserRepository).credentials({"_id": user.id})
    assert found is not None
    now = parley.clock()
    session = LoginSession(secrets.token_hex(12), now, now, now + IDLE, now + ABSOLUTE, "127.0.0.1", "test")
    token = parley.require(RefreshTokens).issue(user.id, session.id)
    assert await parley.require(SessionRepository).open(found, session, token.digest)
    return token


def bearer(parley: Parley, user_id: str, session_id: str, *, token_version: int = 0) -> dict[str, str]:
    """Return the headers of a request with a fresh access token of these ids."""
    token = parley.require(AccessTokens).issue(user_id, session_id=session_id, token_version=token_version)
    return {"Authorization": f"Bearer {token.text}"}


@dataclass(frozen=True)
class IssuedKey:
    """An API key, and the headers of requests with it."""

    id: str
    text: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers of requests with the key."""
        return {"Authorization": f"Bearer {self.text}"}


async def an_api_key(client: httpx.AsyncClient, creator: Account, *actions: str, **more: object) -> IssuedKey:
    """Create an API key over HTTP.

    Args:
        client: a client of the application.
        creator: an administrator.
        actions: what the key may do.
        more: further fields of the body.
    """
    body = {"name": "A script", "actions": actions, **more}
    answer = await client.post("/v1/api-keys", json=body, headers=creator.headers)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return IssuedKey(answer.json()["id"], answer.json()["key"])
