"""The services of auth: each is made once, with the collaborators that it needs."""

import inspect

import pytest
from fastapi import FastAPI

from parley_auth import UserDirectory
from parley_auth.accounts.bootstrap import Administrators
from parley_auth.accounts.repository import UserRepository
from parley_auth.accounts.service import AccountService, UserService
from parley_auth.authorization.authorizer import Authorizer
from parley_auth.passwords.check import PasswordCheck
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.throttle import Throttle
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.sessions.refreshing import RefreshService
from parley_auth.sessions.repository import SessionRepository
from parley_auth.sessions.service import SessionService
from parley_auth.signing.key_ring import KeyRing
from parley_auth.tokens.access_tokens import AccessTokens
from parley_auth.tokens.refresh_tokens import RefreshTokens
from parley_auth.when_back import WhenBack
from parley_core import Parley
from parley_core.testing import running_client

SERVICES: list[type[object]] = [
    AccessTokens,
    AccountService,
    Administrators,
    Authenticator,
    Authorizer,
    KeyRing,
    PasswordCheck,
    Passwords,
    RefreshService,
    RefreshTokens,
    SessionRepository,
    SessionService,
    Throttle,
    UserDirectory,
    UserRepository,
    UserService,
    WhenBack,
]


@pytest.mark.usefixtures("client")
async def test_are_found(app: FastAPI, subtests: pytest.Subtests) -> None:
    """A running application has one object of each class; none of them is given the whole application."""
    parley: Parley = app.state.parley
    for cls in SERVICES:
        with subtests.test(cls.__name__):
            assert type(parley.require(cls)) is cls
            assert Parley not in {parameter.annotation for parameter in inspect.signature(cls).parameters.values()}


async def test_passwords_end_with_the_application(app: FastAPI) -> None:
    """The threads that hash passwords work until the application stops."""
    async with running_client(app):
        passwords = app.state.parley.require(Passwords)
        assert await passwords.hash("nine green bottles")
    with pytest.raises(RuntimeError, match="after shutdown"):
        await passwords.hash("nine green bottles")
