"""Builders of accounts and sessions for tests of packages that build on auth."""

import itertools
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from parley_core import Actor, Event, Parley, new_id
from pydantic import SecretStr

from parley_auth.events import USER_CREATED
from parley_auth.models import Role, User
from parley_auth.repository import UserRepository
from parley_auth.settings import AuthSettings
from parley_auth.tokens import AccessTokens

PASSWORD = "nine green bottles"  # noqa: S105 - a test's
_numbers = itertools.count(1)
_TESTER = Actor(None, "system", "test")


def auth_settings(**changes: Any) -> AuthSettings:
    """Settings with a secret, as a real deployment has one."""
    secret = SecretStr("k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aEu")
    return AuthSettings(**{"jwt_secret": secret, **changes})


@dataclass(frozen=True)
class Account:
    """An account and the headers that its owner sends."""

    user: User
    headers: dict[str, str]

    @property
    def id(self) -> str:
        """The account's id."""
        return self.user.id


async def an_account(app: FastAPI, role: Role = Role.CANDIDATE, **changes: Any) -> Account:
    """A stored account of a running application, logged in; nobody knows a password for it."""
    parley: Parley = app.state.parley
    number = next(_numbers)
    fields = {"email": f"{role}-{number}@example.com", "name": f"{role.title()} {number}", "active": True}
    user = User(id=new_id(), role=role, created_at=parley.clock(), **(fields | changes))
    event = Event(type=USER_CREATED, at=user.created_at, actor=_TESTER, audience=(user.id,))
    await UserRepository(parley.database).add(user, "no password", event)
    return Account(user, bearer(parley, user.id))


def bearer(parley: Parley, user_id: str, *, token_version: int = 0) -> dict[str, str]:
    """The headers of a request with a fresh access token."""
    token = parley.require(AccessTokens).issue(user_id, token_version=token_version)
    return {"Authorization": f"Bearer {token.text}"}
