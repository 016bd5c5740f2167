"""Invited accounts, as other packages create them inside a transaction of their own."""

import pytest
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth import AccountState, Invitations, Role, UserDirectory
from parley_auth.accounts.service import UserService
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.errors import DuplicateEmail, RegistrationClosed
from parley_auth.testing import People, an_account, auth_settings
from parley_core import Actor, Parley, Session, in_transaction
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

EMAIL = "grace@example.com"


@pytest.fixture
def parley(app: FastAPI, people: People) -> Parley:
    found: Parley = app.state.parley
    return found


@pytest.fixture
def actor(people: People) -> Actor:
    return Actor(people.admin.id, "admin", "request")


async def test_invite(parley: Parley, actor: Actor) -> None:
    """An invited account has the role of those who register, no password, and one event without its e-mail."""

    async def invite(session: Session) -> str:
        return (await parley.require(Invitations).invite(EMAIL, actor, session)).id

    user_id = await in_transaction(parley.database.client, invite)
    user = await parley.require(UserDirectory).by_email(EMAIL)
    assert user is not None
    role = parley.require(RoleRegistry).registering
    assert (user.id, user.role, user.state, user.verified) == (user_id, role, AccountState.INVITED, False)
    stored = await parley.database.users.find_one({"_id": user_id})
    assert stored
    assert stored["password_hash"] is None
    [entry], _ = await parley.require(UserService).history(user_id, limit=10, offset=0)
    assert (entry.type, entry.actor, entry.changes) == ("user.invited", actor.id, {"role": {"from": None, "to": role}})
    assert EMAIL not in str(entry)


async def test_both_or_neither(parley: Parley, actor: Actor) -> None:
    """Where the caller's transaction fails, there is no account."""

    async def invite(session: Session) -> None:
        await parley.require(Invitations).invite(EMAIL, actor, session)
        raise LookupError

    with pytest.raises(LookupError):
        await in_transaction(parley.database.client, invite)
    assert await parley.require(UserDirectory).by_email(EMAIL) is None


async def test_taken(app: FastAPI, parley: Parley, actor: Actor) -> None:
    """An e-mail that an account has is refused, whatever the account's state is."""
    await an_account(app, email=EMAIL, active=False)

    async def invite(session: Session) -> None:
        await parley.require(Invitations).invite(EMAIL, actor, session)

    with pytest.raises(DuplicateEmail):
        await in_transaction(parley.database.client, invite)


async def test_nobody_registers(core_settings: CoreSettings) -> None:
    """Without a role of those who register nobody can be invited without a role."""
    plugins = [parley_auth.plugin, a_plugin("clerks", parley_roles=[Role("clerk", "For tests.")])]
    app = an_application([core_settings, auth_settings()], plugins)
    async with running_client(app):
        parley: Parley = app.state.parley
        with pytest.raises(RegistrationClosed):
            async with parley.database.client.start_session() as session:
                await parley.require(Invitations).invite(EMAIL, Actor(None, "system", "test"), session)


class TestState:
    @pytest.mark.parametrize(
        ("active", "invited", "state"),
        [
            (True, False, "active"),
            (True, True, "invited"),
            (False, False, "deactivated"),
            (False, True, "deactivated"),
        ],
    )
    async def test_each(self, app: FastAPI, parley: Parley, *, active: bool, invited: bool, state: str) -> None:
        """A deactivated account is deactivated, whether or not it ever had a password."""
        account = await an_account(app, active=active, invited=invited)
        user = await parley.require(UserDirectory).by_id(account.id)
        assert (user.state if user else None) == state
