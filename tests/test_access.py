"""Every route with `{interview_id}`, found by machine: whoever doesn't take part gets nowhere and changes nothing."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core.http.framework import routes_of
from parley_core.log.relay import Relay
from parley_interviews.testing import create_interview

UNKNOWN_ID = "f" * 24


def interview_routes(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of every route inside an interview."""
    routes = [(method, r.path or "") for r in routes_of(app) for method in sorted(r.methods or ())]
    return [(method, path) for method, path in routes if "{interview_id}" in path]


async def snapshot(app: FastAPI) -> dict[str, list[dict[str, Any]]]:
    """Return everything in the database, once what was recorded before has come into the log."""
    await app.state.parley.require(Relay).drain()
    database = app.state.parley.database
    names = await database.list_collection_names()
    return {name: await database[name].find().sort("_id").to_list() for name in names}


def addresses(app: FastAPI, interview_id: str, user_id: str) -> Iterator[tuple[str, str]]:
    """The same routes with ids filled in."""
    for method, path in interview_routes(app):
        yield method, path.replace("{interview_id}", interview_id).replace("{user_id}", user_id)


def test_the_routes_are_found(app: FastAPI) -> None:
    """The checks below are about these routes at least; a list that is found empty proves nothing."""
    base = "/v1/interviews/{interview_id}"
    expected = {
        ("GET", base),
        ("PATCH", base),
        ("PATCH", f"{base}/status"),
        ("GET", f"{base}/history"),
        ("GET", f"{base}/participants"),
        ("POST", f"{base}/participants"),
        ("DELETE", f"{base}/participants/{{user_id}}"),
        ("GET", f"{base}/messages"),
        ("POST", f"{base}/messages"),
    }
    assert expected <= set(interview_routes(app))


@pytest.mark.parametrize("role", ["interviewer", "candidate"])
async def test_stranger(app: FastAPI, client: httpx.AsyncClient, admin: Account, candidate: Account, role: str) -> None:
    """A stranger gets 403 `not_a_participant` on every one of them, whatever they send, and nothing changes."""
    stranger = await an_account(app, role)
    interview = await create_interview(client, admin, candidate)
    before = await snapshot(app)
    for method, address in addresses(app, interview["id"], candidate.id):
        answer = await client.request(method, address, json={"broken": True}, headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_participant"), address
    assert await snapshot(app) == before


async def test_admin_outside(app: FastAPI, client: httpx.AsyncClient, admin: Account, candidate: Account) -> None:
    """An administrator who doesn't take part manages the interview, but neither reads its messages nor answers."""
    interview = await create_interview(client, admin, candidate)
    refused = set()
    for method, address in addresses(app, interview["id"], candidate.id):
        answer = await client.request(method, address, json={"broken": True}, headers=admin.headers)
        if answer.status_code == 403:
            refused.add(address.rpartition("/")[2])
    assert refused == {"messages", "stream", "rsvp"}


async def test_anonymous(app: FastAPI, client: httpx.AsyncClient, admin: Account, candidate: Account) -> None:
    """Without identity everything is 401, even a malformed id, a broken body or an unknown interview."""
    interview = await create_interview(client, admin, candidate)
    for interview_id in (interview["id"], UNKNOWN_ID, "nonsense"):
        for method, address in addresses(app, interview_id, candidate.id):
            answer = await client.request(
                method, f"{address}?unknown=1", content=b"{", headers={"Content-Type": "application/json"}
            )
            assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required"), address
            assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("role", ["admin", "interviewer", "candidate"])
async def test_unknown_and_malformed(app: FastAPI, client: httpx.AsyncClient, role: str) -> None:
    """An unknown interview is 404, a malformed id 400, before role and body are looked at."""
    caller = await an_account(app, role)
    for interview_id, expected in ((UNKNOWN_ID, (404, "interview_not_found")), ("nonsense", (400, "invalid_id"))):
        for method, address in addresses(app, interview_id, caller.id):
            answer = await client.request(method, address, json={"broken": True}, headers=caller.headers)
            assert (answer.status_code, answer.json()["code"]) == expected, address


async def test_removed_and_added(app: FastAPI, client: httpx.AsyncClient, admin: Account, candidate: Account) -> None:
    """A removed participant gets 403 on their next request, an added one gets 200."""
    interview = await create_interview(client, admin, candidate)
    address = f"/v1/interviews/{interview['id']}"
    newcomer = await an_account(app, "interviewer")
    assert (await client.get(address, headers=candidate.headers)).status_code == 200
    removal = await client.delete(f"{address}/participants/{candidate.id}", headers=admin.headers)
    assert removal.status_code == 204
    assert (await client.get(address, headers=candidate.headers)).status_code == 403
    added = await client.post(f"{address}/participants", json={"user_id": newcomer.id}, headers=admin.headers)
    assert added.status_code == 201
    assert (await client.get(address, headers=newcomer.headers)).status_code == 200


LOG = ("/v1/events", "/v1/events/stream", "/v1/events/types")


def test_the_routes_of_the_log_are_found(app: FastAPI) -> None:
    """The check below is about every route of the log, of which each can only be read."""
    found = {(r.path, *sorted(r.methods or ())) for r in routes_of(app) if (r.path or "").startswith("/v1/events")}
    assert found == {(path, "GET") for path in LOG}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, (401, "authentication_required")),
        ("interviewer", (403, "permission_denied")),
        ("candidate", (403, "permission_denied")),
    ],
)
async def test_the_log(
    app: FastAPI, client: httpx.AsyncClient, admin: Account, role: str | None, expected: tuple[int, str]
) -> None:
    """Nobody but administrators reads or follows the log, not even what concerns themselves, whatever they ask for."""
    caller = await an_account(app, role) if role else None
    interview = await create_interview(client, admin, *([caller] if caller else []))
    headers = caller.headers if caller else {}
    for address in LOG:
        for query in ("", f"?subject_id={interview['id']}", "?after=x", "?type=interview.created", "?unknown=1"):
            answer = await client.get(f"{address}{query}", headers=headers | {"Last-Event-ID": "0"})
            assert (answer.status_code, answer.json()["code"]) == expected
            assert answer.headers["Content-Type"] == "application/problem+json"
    for address in LOG[::2]:
        assert (await client.get(address, headers=admin.headers)).status_code == 200


WEBHOOK = "/v1/webhooks/{webhook_id}"
WEBHOOKS = {
    ("GET", "/v1/webhooks"),
    ("POST", "/v1/webhooks"),
    ("GET", WEBHOOK),
    ("PATCH", WEBHOOK),
    ("DELETE", WEBHOOK),
    ("POST", f"{WEBHOOK}/secret"),
    ("POST", f"{WEBHOOK}/ping"),
    ("POST", f"{WEBHOOK}/resume"),
    ("GET", f"{WEBHOOK}/attempts"),
    ("POST", f"{WEBHOOK}/attempts/{{position}}/resend"),
}


def test_the_routes_of_webhooks_are_found(app: FastAPI) -> None:
    """The check below is about every route of webhooks."""
    routes = [(method, r.path or "") for r in routes_of(app) for method in r.methods or ()]
    assert {(method, path) for method, path in routes if path.startswith("/v1/webhooks")} == WEBHOOKS


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, (401, "authentication_required")),
        ("interviewer", (403, "permission_denied")),
        ("candidate", (403, "permission_denied")),
    ],
)
async def test_webhooks(app: FastAPI, client: httpx.AsyncClient, role: str | None, expected: tuple[int, str]) -> None:
    """Nobody but administrators learns of webhooks or changes one, whatever they send."""
    headers = (await an_account(app, role)).headers if role else {}
    before = await snapshot(app)
    for method, path in sorted(WEBHOOKS):
        address = path.format(webhook_id=UNKNOWN_ID, position=1)
        answer = await client.request(method, address, json={"broken": True}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == expected, address
    assert await snapshot(app) == before


async def test_a_trailing_slash_is_another_address(client: httpx.AsyncClient) -> None:
    """Nothing is redirected to an address made of the caller's Host header: what isn't there is 404."""
    answer = await client.get("/v1/interviews/", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "location" not in answer.headers
