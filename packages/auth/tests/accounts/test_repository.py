"""The repository of accounts beneath HTTP: conditions, history, indexes."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth import UserDirectory
from parley_auth.accounts.repository import UserRepository
from parley_auth.errors import InvalidToken
from parley_auth.events import USER_DEACTIVATED, USER_PASSWORD_CHANGED, USER_REACTIVATED
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.testing import PASSWORD, People, an_account
from parley_auth.tokens.access_tokens import AccessTokens
from parley_core import Actor, Event, EventLog, EventType, LogEntry, LogFilter, Parley, new_id
from parley_core.log.relay import Relay

ACTOR = Actor(None, "system", "test")


def an_event(kind: EventType, parley: Parley) -> Event:
    return Event(type=kind, at=parley.clock(), actor=ACTOR)


@pytest.fixture
async def parley(app: FastAPI, client: httpx.AsyncClient) -> Parley:
    started: Parley = app.state.parley
    return started


async def logged(parley: Parley, user_id: str) -> list[LogEntry]:
    """Return everything that the log says about an account, once all of it is there."""
    await parley.require(Relay).drain()
    return await parley.require(EventLog).after(0, limit=100, where=LogFilter(subject_id=user_id))


class TestDirectory:
    async def test_finds(self, app: FastAPI, parley: Parley) -> None:
        """Other packages find accounts by id and by e-mail, one or many; an unknown one isn't found."""
        users = UserDirectory(parley.database)
        one, two = (await an_account(app)).user, (await an_account(app, "admin")).user
        assert await users.by_id(one.id) == one
        assert await users.by_email(two.email) == two
        assert await users.by_ids([one.id, two.id, new_id()]) == {one.id: one, two.id: two}
        assert await users.by_emails([two.email, "x@example.com"]) == {two.email: two}
        assert (await users.by_id(new_id()), await users.by_email("x@example.com")) == (None, None)


class TestConditions:
    async def test_change_of_what_has_changed(self, app: FastAPI, parley: Parley) -> None:
        """A change does nothing when the field is no longer what its author saw."""
        users, seen = UserRepository(parley.database), (await an_account(app)).user
        event = an_event(USER_DEACTIVATED, parley)
        assert await users.change(seen, {"role": "admin"}, event)
        assert await users.change(seen, {"role": "interviewer", "active": False}, event) is None
        found = await users.by_id(seen.id)
        assert found
        assert (found.role, found.active) == ("admin", True)

    async def test_deactivation_ends_what_a_password_change_would_keep(self, app: FastAPI, parley: Parley) -> None:
        """A password change that overlaps with a deactivation doesn't restore a session."""
        users, account = UserRepository(parley.database), await an_account(app)
        seen = await users.credentials({"_id": account.id})
        assert seen
        await users.change(account.user, {"active": False}, an_event(USER_DEACTIVATED, parley))
        inactive = await users.by_id(account.id)
        assert inactive
        await users.change(inactive, {"active": True}, an_event(USER_REACTIVATED, parley))
        claims = parley.require(AccessTokens).verify(account.headers["Authorization"].removeprefix("Bearer "))
        event, kept = an_event(USER_PASSWORD_CHANGED, parley), claims.session_id
        assert await users.change_password(seen, "a new hash", event, kept_session=kept)
        for version in range(3):
            later = parley.require(AccessTokens).issue(account.id, session_id=claims.session_id, token_version=version)
            with pytest.raises(InvalidToken):
                await parley.require(Authenticator).authenticate(later.text)

    async def test_password_of_another_time(self, app: FastAPI, parley: Parley) -> None:
        """A password is replaced only while it is the one that was verified."""
        users, account = UserRepository(parley.database), await an_account(app)
        seen = await users.credentials({"_id": account.id})
        assert seen
        event, kept = an_event(USER_PASSWORD_CHANGED, parley), new_id()
        assert await users.change_password(seen, "a second hash", event, kept_session=kept)
        assert not await users.change_password(seen, "a third hash", event, kept_session=kept)


class TestHistory:
    async def test_each_change_is_one_entry(self, client: httpx.AsyncClient, parley: Parley, people: People) -> None:
        """Each change of an account is one history entry with type, actor, time, from, to and its own rev."""
        body = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Lovelace"}
        user_id = (await client.post("/v1/auth/register", json=body)).json()["id"]
        login = {"email": "ada@example.com", "password": PASSWORD}
        token = (await client.post("/v1/auth/login", json=login)).json()["access_token"]
        own = {"Authorization": f"Bearer {token}", "X-Request-ID": "own-request"}
        await client.patch("/v1/users/me", json={"name": "Ada King"}, headers=own)
        changed = {"current_password": PASSWORD, "new_password": "ten blue bottles"}
        await client.post("/v1/users/me/password", json=changed, headers=own)
        changes: list[dict[str, Any]] = [{"role": "interviewer"}, {"active": False}, {"active": True, "role": "admin"}]
        for change in [*changes, {}, {"role": "admin"}, {"name": None}]:
            await client.patch(f"/v1/users/{user_id}", json=change, headers=people.admin.headers)
        entries = await logged(parley, user_id)
        assert [(e.type, e.actor_role, e.changes) for e in entries] == [
            ("user.registered", "candidate", {"role": {"from": None, "to": "candidate"}}),
            ("user.updated", "candidate", {"name": {"from": {}, "to": {}}}),
            ("user.password_changed", "candidate", {"password": {"from": {}, "to": {}}}),
            ("user.role_changed", "admin", {"role": {"from": "candidate", "to": "interviewer"}}),
            ("user.deactivated", "admin", {"active": {"from": True, "to": False}}),
            (
                "user.reactivated",
                "admin",
                {"active": {"from": False, "to": True}, "role": {"from": "interviewer", "to": "admin"}},
            ),
            ("user.updated", "admin", {"name": {"from": {}, "to": {}}}),
        ]
        assert [entry.rev for entry in entries] == [*range(1, 8)]
        assert [entry.actor for entry in entries] == [user_id] * 3 + [people.admin.id] * 4
        assert {entry.audience for entry in entries} == {(user_id,)}
        assert [entry.request_id for entry in entries[1:3]] == ["own-request"] * 2
        assert {entry.at for entry in entries} == {parley.clock()}
        text = str(entries)
        for secret in ("ada@", "Ada", "Lovelace", "King", "bottles", token, "$argon2"):
            assert secret not in text

    async def test_creation_by_an_admin(self, client: httpx.AsyncClient, parley: Parley, people: People) -> None:
        """The history of an account that an administrator creates begins with that administrator."""
        body = {"email": "ada@example.com", "password": PASSWORD, "role": "interviewer"}
        user_id = (await client.post("/v1/users", json=body, headers=people.admin.headers)).json()["id"]
        [entry] = await logged(parley, user_id)
        assert (entry.type, entry.actor, entry.actor_role) == ("user.created", people.admin.id, "admin")

    async def test_changes_at_once(self, client: httpx.AsyncClient, parley: Parley, people: People) -> None:
        """Concurrent changes are numbered without gap or repeat, and each accepted one has its entry."""
        address = f"/v1/users/{people.candidate.id}"
        sent = [client.patch(address, json={"name": f"Name {n}"}, headers=people.admin.headers) for n in range(12)]
        answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {200}
        assert [entry.rev for entry in await logged(parley, people.candidate.id)] == [*range(1, 14)]


class TestIndexes:
    async def test_each_documented_list_uses_one(self, app: FastAPI, parley: Parley, subtests: pytest.Subtests) -> None:
        """No filter and no sort order of the list reads the whole collection; the orders need no sorting."""
        for _ in range(30):
            await an_account(app)
        orders = {"-created_at": [("created_at", -1), ("_id", -1)], "email": [("email", 1), ("_id", 1)]}
        filters: list[dict[str, Any]] = [{}, {"role": "candidate"}, {"active": True}, {"role": "admin", "active": True}]
        for where in filters:
            for name, order in orders.items():
                with subtests.test(f"{where} {name}"):
                    found = parley.database.users.find(where).sort(order).limit(20)
                    stages = _stages((await found.explain())["queryPlanner"]["winningPlan"])
                    assert "COLLSCAN" not in stages
                    assert "IXSCAN" in stages
                    assert "SORT" not in stages or (where and name == "email")

    async def test_rare_roles_are_found_at_once(self, app: FastAPI, parley: Parley) -> None:
        """A few administrators among many accounts are found without reading the others."""
        for role in ["candidate"] * 30 + ["admin"] * 2:
            await an_account(app, role)
        order = [("created_at", -1), ("_id", -1)]
        explained = await parley.database.users.find({"role": "admin"}).sort(order).explain()
        assert explained["executionStats"]["totalDocsExamined"] == 2

    async def test_login_and_guard_are_point_reads(self, app: FastAPI, parley: Parley) -> None:
        """An account is found by its e-mail and by its id without reading another."""
        account = await an_account(app)
        for where in ({"email": {"$eq": account.user.email}}, {"_id": account.id}):
            explained = await parley.database.users.find(where).explain()
            assert explained["executionStats"]["totalDocsExamined"] == 1
            assert "COLLSCAN" not in _stages(explained["queryPlanner"]["winningPlan"])


def _stages(plan: dict[str, Any]) -> list[str]:
    """Return the names of a plan's stages, from the outermost inwards."""
    below = [plan["inputStage"]] if "inputStage" in plan else plan.get("inputStages", [])
    return [plan["stage"], *(stage for inner in below for stage in _stages(inner))]
