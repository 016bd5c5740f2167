"""API keys in the whole application: each route, found by machine, is reached by keys that name its action alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from parley_auth import PolicyTable
from parley_auth.authorization.route_checks import guards_of
from parley_auth.testing import Account, IssuedKey, an_account, an_api_key
from parley_core.http.framework import routes_of
from parley_interviews.testing import address_of, create_interview

OUT_OF_REACH = {
    "account:read",
    "account:update",
    "attendance:answer",
    "feeds:create",
    "feeds:delete",
    "feeds:list",
    "keys:create",
    "keys:list",
    "keys:revoke",
    "messages:post",
    "messages:read",
    "schedule:read_own",
    "system:read",
    "users:create",
    "users:link",
    "users:logout",
    "users:update",
}
"""What no key can be given. All else in the table can: an action by which rights can be gained belongs in this set."""
BESIDE = {"schedule:read_own"}
"""Of these, what shares its route with an action that a key can be given."""
UNKNOWN_ID = "f" * 24


@dataclass(frozen=True)
class Operation:
    """A route, and the actions of its guard, of which the caller needs one."""

    method: str
    path: str
    actions: frozenset[str]

    def address(self, interview_id: str) -> str:
        """Return its address with ids filled in, and with a parameter that it doesn't know: so nothing is done."""
        path = self.path.replace("{interview_id}", interview_id)
        while "{" in path:
            before, _, rest = path.partition("{")
            path = before + UNKNOWN_ID + rest.partition("}")[2]
        return f"{path}?surprise=1"


def operations(app: FastAPI) -> Iterator[Operation]:
    """Yield every guarded route."""
    for route in routes_of(app):
        if actions := frozenset(action for guard in guards_of(route) for action in guard.actions):
            yield from (Operation(method, route.path or "", actions) for method in sorted(route.methods or ()))


async def reached(client: httpx.AsyncClient, app: FastAPI, key: IssuedKey, interview_id: str) -> set[Operation]:
    """Return the routes that answer a key with anything but 401 and 403."""
    found = set()
    for operation in operations(app):
        answer = await client.request(
            operation.method, operation.address(interview_id), json={"broken": True}, headers=key.headers
        )
        assert answer.status_code >= 400, operation
        assert answer.status_code != 401, operation
        if answer.status_code != 403:
            found.add(operation)
    return found


def test_what_a_key_may_be_given(app: FastAPI) -> None:
    """Every action of the table can be a key's, but for those that could gain rights and those of participants."""
    app.openapi()  # composes the policy
    policy = app.state.parley.require(PolicyTable)
    assert {rule.action for rule in policy.rules} - set(policy.grantable) == OUT_OF_REACH


def test_the_routes_are_found(app: FastAPI) -> None:
    """The checks below are about many routes, those out of reach included."""
    found = list(operations(app))
    assert len(found) > 35
    assert {action for operation in found for action in operation.actions} >= OUT_OF_REACH


@pytest.mark.parametrize("part", ["outsider", "interviewer"])
async def test_a_key_for_everything(app: FastAPI, client: httpx.AsyncClient, admin: Account, part: str) -> None:
    """A key that names all that a key may is refused by each route that needs more, and by no other."""
    takes_part = [admin] if part == "interviewer" else []
    interview = await create_interview(client, admin, *takes_part)
    grantable = app.state.parley.require(PolicyTable).grantable
    key = await an_api_key(client, admin, *grantable)
    everything = set(operations(app))
    within = {operation for operation in everything if operation.actions & set(grantable)}
    assert await reached(client, app, key, interview["id"]) == within
    assert {action for operation in everything - within for action in operation.actions} == OUT_OF_REACH - BESIDE


async def test_a_key_for_one_action(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """A key that names one action reaches the routes of that action alone, whichever it is."""
    interview = await create_interview(client, admin)
    for action in app.state.parley.require(PolicyTable).grantable:
        key = await an_api_key(client, admin, action)
        expected = {operation for operation in operations(app) if action in operation.actions}
        assert await reached(client, app, key, interview["id"]) == expected, action


async def test_reading_interviews(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """A key with `interviews:read` alone reads an interview and does nothing else with it."""
    interview = await create_interview(client, admin, admin)
    key, address = await an_api_key(client, admin, "interviews:read"), address_of(interview)
    expected = [
        ("GET", address, 200),
        ("GET", f"{address}/history", 200),
        ("GET", f"{address}/participants", 200),
        ("GET", "/v1/interviews", 403),
        ("POST", "/v1/interviews", 403),
        ("PATCH", address, 403),
        ("PATCH", f"{address}/status", 403),
        ("GET", f"{address}/messages", 403),
        ("POST", f"{address}/messages", 403),
        ("GET", f"{address}/messages/stream", 403),
        ("GET", "/v1/api-keys", 403),
        ("POST", "/v1/api-keys", 403),
        ("DELETE", f"/v1/api-keys/{key.id}", 403),
        ("GET", "/v1/users/me", 403),
        ("GET", "/v1/users", 403),
    ]
    for method, path, status in expected:
        answer = await client.request(method, path, headers=key.headers)
        assert answer.status_code == status, (method, path)


async def test_of_a_candidate(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """Where its creator is the interview's candidate a key manages it as little as they do."""
    other = await an_account(app, "admin")
    body = {"title": "Lead", "interview_type": "technical", "scheduled_at": "2027-03-05T09:30:00Z"}
    participants = [{"user_id": admin.id, "participant_role": "candidate"}]
    created = await client.post("/v1/interviews", json=body | {"participants": participants}, headers=other.headers)
    assert created.status_code == 201, created.text
    key = await an_api_key(client, admin, *app.state.parley.require(PolicyTable).grantable)
    address = address_of(created.json())
    for headers in (admin.headers, key.headers):
        answers = [
            await client.patch(address, json={"title": "x"}, headers=headers),
            await client.patch(f"{address}/status", json={"status": "cancelled"}, headers=headers),
            await client.post(f"{address}/participants", json={"user_id": other.id}, headers=headers),
        ]
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(403, "permission_denied")] * 3


async def test_what_a_key_sees_is_its_own(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """Whoever warmed the cache, each key and each person gets the transitions that they may make themselves."""
    interview = await create_interview(client, admin)
    address = address_of(interview)
    reading = await an_api_key(client, admin, "interviews:read")
    starting = await an_api_key(client, admin, "interviews:read", "interviews:start")
    for _ in range(2):
        seen = [
            (await client.get(address, headers=headers)).json()["allowed_transitions"]
            for headers in (admin.headers, reading.headers, starting.headers)
        ]
        assert seen == [["ongoing", "cancelled"], [], ["ongoing"]]


async def test_what_a_key_does_is_its_creators(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """What a key creates was created by its creator, as an administrator."""
    key = await an_api_key(client, admin, "interviews:create", "interviews:read")
    body = {"title": "Lead", "interview_type": "technical", "scheduled_at": "2027-03-05T09:30:00Z"}
    created = await client.post("/v1/interviews", json=body, headers=key.headers)
    assert (created.status_code, created.json()["created_by"]) == (201, admin.id)
    [entry] = (await client.get(f"{address_of(created.json())}/history", headers=key.headers)).json()["items"]
    assert (entry["actor"], entry["actor_role"]) == (admin.id, "admin")


@pytest.mark.parametrize("actions", [["interviews:list"], ["interviews:list", "interviews:read"]])
async def test_a_key_lists_as_an_administrator(
    app: FastAPI, client: httpx.AsyncClient, admin: Account, actions: list[str]
) -> None:
    """A key's list has every interview, as an administrator's has, rather than those that its creator takes part in."""
    other = await an_account(app, "admin")
    created = [await create_interview(client, other), await create_interview(client, admin, admin)]
    key = await an_api_key(client, admin, *actions)
    listed = (await client.get("/v1/interviews", headers=key.headers)).json()
    assert {one["id"] for one in listed["items"]} == {one["id"] for one in created}
    filtered = await client.get(f"/v1/interviews?participant_id={admin.id}", headers=key.headers)
    assert [one["id"] for one in filtered.json()["items"]] == [created[1]["id"]]
