"""What a key may do: what it names, as an administrator who doesn't take part, and never more than its creator."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

import parley_auth.plugin
from parley_auth import (
    ADMIN,
    OUTSIDER,
    TOUCH,
    Guard,
    Locked,
    ParticipantScope,
    PolicyRule,
    PolicyTable,
    Principal,
    Resource,
    ScopedAccess,
)
from parley_auth.authorization.access import decide
from parley_auth.authorization.policy_table import Verdict
from parley_auth.testing import Account, IssuedKey, an_account, an_api_key, auth_settings, roles_plugin
from parley_core import CollectionIndexes, Parley, Router, Session, in_transaction, new_id
from parley_core.errors import BusinessRuleError, NotFoundError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, a_plugin, an_application
from parley_core.testing.log_lines import lines_of


class DeskNotFound(NotFoundError):
    code = "desk_not_found"
    title = "There is no such desk"


class DeskClosed(BusinessRuleError):
    code = "desk_closed"
    title = "The desk is closed"


async def access_of(parley: Parley, resource_id: str, principal: Principal) -> Resource | None:
    found = await parley.database.desks.find_one({"_id": resource_id})
    relation = found["members"].get(principal.id, OUTSIDER) if found else OUTSIDER
    return Resource(resource_id, "open", relation=relation, validator=1) if found else None


async def lock(parley: Parley, session: Session, resource_id: str, user_ids: Sequence[str], action: str) -> Locked:
    found = await parley.database.desks.find_one_and_update({"_id": resource_id}, TOUCH, session=session)
    assert found
    return Locked("open", {one: found["members"][one] for one in user_ids if one in found["members"]})


router = Router(prefix="/desks/{desk_id}", tag="desks")


class Meanwhile:
    """What happens to the account of a caller between the guard and the lock."""

    def __init__(self) -> None:
        self.changes: Mapping[str, Any] | None = None


@router.get("", summary="Read a desk")
async def read_desk(access: Annotated[ScopedAccess, Depends(Guard("desks:read"))]) -> dict[str, str]:
    return {"relation": access.resource.relation}


@router.post("/manage", summary="Manage a desk")
async def manage_desk(access: Annotated[ScopedAccess, Depends(Guard("desks:manage"))]) -> dict[str, bool]:
    meanwhile = access.parley.require(Meanwhile)
    if meanwhile.changes:
        await access.parley.database.users.update_one({"_id": access.principal.id}, meanwhile.changes)

    async def work(session: Session) -> None:
        await access.lock(session, "desks:manage")

    await in_transaction(access.parley.client, work)
    return {"managed": True}


@router.post("/say", summary="Say something at a desk")
async def say_at_desk(access: Annotated[ScopedAccess, Depends(Guard("desks:say"))]) -> dict[str, bool]:
    return {"said": True}


HELPER, SUBJECT = "helper", "subject"
DESKS = a_plugin(
    "desks",
    parley_routers=[router],
    parley_services=lambda: [Meanwhile()],
    parley_indexes=[CollectionIndexes("desks", ())],
    parley_policies=[
        PolicyRule(action="desks:read", scope="desk", roles=frozenset({ADMIN}), relations=frozenset({OUTSIDER})),
        PolicyRule(action="desks:read", scope="desk", roles=None),
        PolicyRule(
            action="desks:manage", scope="desk", roles=frozenset({ADMIN}), relations=frozenset({OUTSIDER, HELPER})
        ),
        PolicyRule(action="desks:say", scope="desk", roles=None),
    ],
    parley_participant_scopes=[
        ParticipantScope(
            name="desk",
            path_param="desk_id",
            relations=(HELPER, SUBJECT),
            states=("open",),
            not_found=DeskNotFound,
            closed=DeskClosed,
            access_of=access_of,
            lock=lock,
        )
    ],
)
ALL = ("desks:read", "desks:manage")


@pytest.fixture
def app(core_settings: CoreSettings, clock: MovableClock) -> FastAPI:
    team = roles_plugin("interviewer", registers="candidate")
    return an_application([core_settings, auth_settings()], [parley_auth.plugin, team, DESKS], clock=clock)


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, "admin")


async def a_desk(app: FastAPI, **members: str) -> str:
    """Store a desk with these members, each with a relation, and return its address."""
    desk_id = new_id()
    await app.state.parley.database.desks.insert_one({"_id": desk_id, "members": members})
    return f"/v1/desks/{desk_id}"


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


DENIED, STRANGER, INVALID = (403, "permission_denied"), (403, "not_a_participant"), (401, "invalid_token")
GOOD = (200, None)


class TestActions:
    async def test_named_ones_alone(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """A key may do what it names; what else its creator may do is denied to it."""
        desk = await a_desk(app)
        reading, managing = [await an_api_key(client, admin, action) for action in ALL]
        for key, read, managed in ((reading, GOOD, DENIED), (managing, DENIED, GOOD)):
            assert outcome(await client.get(desk, headers=key.headers)) == read
            assert outcome(await client.post(f"{desk}/manage", headers=key.headers)) == managed
            assert outcome(await client.get("/v1/users", headers=key.headers)) == DENIED

    @pytest.mark.parametrize("relation", [HELPER, SUBJECT])
    async def test_never_as_participant(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, relation: str
    ) -> None:
        """What is for participants alone no key can name, nor do if it is stored, though its creator takes part."""
        desk = await a_desk(app, **{admin.id: relation})
        body = {"name": "x", "actions": ["desks:say"]}
        assert outcome(await client.post("/v1/api-keys", json=body, headers=admin.headers)) == (400, "validation_error")
        key = await an_api_key(client, admin, "desks:read")
        await app.state.parley.database.users.update_one(
            {"_id": admin.id}, {"$set": {"keys.0.actions": ["desks:say", "desks:read"]}}
        )
        assert outcome(await client.post(f"{desk}/say", headers=key.headers)) == STRANGER
        assert outcome(await client.post(f"{desk}/say", headers=admin.headers)) == GOOD

    async def test_never_more_than_its_creator(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Where its creator is the one whom a desk is about, a key of theirs doesn't manage it either."""
        key = await an_api_key(client, admin, *ALL)
        for relation, managed in ((HELPER, GOOD), (SUBJECT, DENIED)):
            desk = await a_desk(app, **{admin.id: relation})
            for headers in (admin.headers, key.headers):
                assert outcome(await client.post(f"{desk}/manage", headers=headers)) == managed
                assert outcome(await client.get(desk, headers=headers)) == GOOD

    @pytest.mark.parametrize("action", ["keys:create", "keys:list", "keys:revoke", "users:create", "account:read"])
    async def test_stored_ones_are_looked_at_too(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, action: str
    ) -> None:
        """An action that isn't for keys is denied also to a key that is stored with it, by whatever release."""
        key = await an_api_key(client, admin, "users:list")
        await app.state.parley.database.users.update_one({"_id": admin.id}, {"$set": {"keys.0.actions": [action]}})
        requests = {
            "keys:create": ("POST", "/v1/api-keys"),
            "keys:list": ("GET", "/v1/api-keys"),
            "keys:revoke": ("DELETE", f"/v1/api-keys/{key.id}"),
            "users:create": ("POST", "/v1/users"),
            "account:read": ("GET", "/v1/users/me"),
        }
        assert outcome(await client.request(*requests[action], headers=key.headers)) == DENIED

    async def test_own_account(self, client: httpx.AsyncClient, admin: Account) -> None:
        """A key doesn't reach its creator's own account, sessions or password."""
        key = await an_api_key(client, admin, "users:list", "users:read")
        for method, path in [
            ("GET", "/v1/users/me"),
            ("PATCH", "/v1/users/me"),
            ("POST", "/v1/users/me/password"),
            ("GET", "/v1/auth/sessions"),
            ("DELETE", f"/v1/auth/sessions/{key.id}"),
            ("POST", "/v1/auth/logout"),
            ("POST", "/v1/auth/logout-all"),
        ]:
            assert outcome(await client.request(method, path, headers=key.headers)) == DENIED, path
        assert outcome(await client.get(f"/v1/users/{admin.id}", headers=key.headers)) == GOOD

    async def test_denials_name_the_key(
        self, client: httpx.AsyncClient, admin: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A denial is logged with the key's id; a person's names none."""
        key, other = await an_api_key(client, admin, "users:list"), (await an_api_key(client, admin, "users:list"))
        caplog.clear()
        for headers in (key.headers, other.headers):
            await client.get("/v1/users/me", headers=headers)
        events = lines_of(caplog.records, "parley.security")
        assert [(e["event"], e["user_id"], e["key_id"], e["actions"]) for e in events] == [
            ("access_denied", admin.id, one.id, "account:read") for one in (key, other)
        ]


def decided(actions: Sequence[str], named: Sequence[str] | None, relation: str) -> tuple[Verdict, frozenset[str]]:
    policy = PolicyTable(
        [
            PolicyRule(action="manage", scope="desk", roles=frozenset({ADMIN}), relations=frozenset({OUTSIDER})),
            PolicyRule(action="read", scope="desk", roles=None, relations=frozenset({OUTSIDER, HELPER})),
            PolicyRule(action="say", scope="desk", roles=None),
            PolicyRule(action="give", scope="desk", roles=None, relations=frozenset({OUTSIDER}), for_keys=False),
        ]
    )
    principal = Principal("u", ADMIN, "s", None if named is None else frozenset(named))
    decision = decide(policy, actions, principal, relation=relation)
    assert decision.actions == tuple(actions)
    return decision.verdict, decision.permitted


EVERYTHING = ("manage", "read", "say", "give")


class TestDecide:
    @pytest.mark.parametrize(
        ("named", "relation", "permitted"),
        [
            (None, OUTSIDER, {"manage", "read", "give"}),
            (None, HELPER, {"read", "say"}),
            (EVERYTHING, OUTSIDER, {"manage", "read"}),
            (EVERYTHING, HELPER, {"read"}),
            (("manage",), OUTSIDER, {"manage"}),
            (("say", "give"), OUTSIDER, set()),
            (("say", "give"), HELPER, set()),
            ((), OUTSIDER, set()),
        ],
    )
    def test_permitted(self, named: Sequence[str] | None, relation: str, permitted: set[str]) -> None:
        """What a key is permitted is in what it names, what keys may do, and what its creator may do here."""
        verdict, found = decided(EVERYTHING, named, relation)
        assert (verdict is Verdict.ALLOWED, found) == (bool(permitted), frozenset(permitted))

    @pytest.mark.parametrize("relation", [OUTSIDER, HELPER])
    def test_verdicts(self, relation: str) -> None:
        """A key that lacks an action gets `permission_denied`; what is for participants, `not_a_participant`."""
        assert decided(["read"], ["manage"], relation)[0] is Verdict.PERMISSION_DENIED
        assert decided(["say"], ["say"], relation)[0] is Verdict.NOT_A_PARTICIPANT


class TestLock:
    """Inside a transaction the key and its creator still stand, or the transaction fails."""

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"$set": {"name": "Ada"}}, GOOD),
            ({"$set": {"sessions": []}}, GOOD),
            ({"$set": {"active": False}}, INVALID),
            ({"$set": {"role": "interviewer"}}, INVALID),
            ({"$pull": {"keys": {"name": "A script"}}}, INVALID),
            ({"$set": {"keys.0.expires_at": None}}, GOOD),
            ({"$unset": {"keys.0.expires_at": ""}}, GOOD),
        ],
        ids=["renamed", "logged out", "deactivated", "demoted", "revoked", "no end", "no end in the document"],
    )
    async def test_meanwhile(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        admin: Account,
        change: dict[str, Any],
        expected: tuple[int, str | None],
    ) -> None:
        """What a key does fails when it was revoked, or its creator's rights have ended, after its guard looked."""
        desk, key = await a_desk(app), await an_api_key(client, admin, *ALL, expires_in_days=1)
        app.state.parley.require(Meanwhile).changes = change
        assert outcome(await client.post(f"{desk}/manage", headers=key.headers)) == expected

    async def test_expired_meanwhile(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, clock: MovableClock
    ) -> None:
        """It fails too when the key's time ended after its guard looked."""
        desk, key = await a_desk(app), await an_api_key(client, admin, *ALL, expires_in_days=1)
        ended = {"$set": {"keys.0.expires_at": clock() - timedelta(seconds=1)}}
        app.state.parley.require(Meanwhile).changes = ended
        assert outcome(await client.post(f"{desk}/manage", headers=key.headers)) == INVALID

    async def test_another_key_does_not_help(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Another live key of the same creator, and their live session, don't stand in for a revoked one."""
        desk = await a_desk(app)
        keys: list[IssuedKey] = [await an_api_key(client, admin, *ALL) for _ in range(2)]
        app.state.parley.require(Meanwhile).changes = {"$pull": {"keys": {"id": keys[0].id}}}
        assert [outcome(await client.post(f"{desk}/manage", headers=key.headers)) for key in keys] == [INVALID, GOOD]
