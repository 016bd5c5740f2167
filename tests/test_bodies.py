"""Every operation: a bad body or query is answered in the contract's order, and briefly."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account
from parley_interviews.testing import create_interview

UNKNOWN_ID = "f" * 24
ROOM = 8 * 1024
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
PUBLIC = {f"/v1/auth/{name}" for name in ("accept", "login", "refresh", "register", "token")}


def limit_of(path: str) -> int:
    return 4 * 1024 if path.startswith("/v1/auth/") else 256 * 1024


def operations(app: FastAPI) -> list[tuple[str, str, str | None]]:
    """Method, path and media type of the body of all that may have one."""
    found = []
    for path, item in app.openapi()["paths"].items():
        for method in sorted({"post", "put", "patch", "delete"} & item.keys()):
            content = item[method].get("requestBody", {}).get("content", {})
            found.append((method.upper(), path, next(iter(content), None)))
    return found


def bad_bodies(path: str, media_type: str | None) -> Iterator[tuple[bytes, str, int, str | None]]:
    """Each with its type, and the status and the first error that it is answered with."""
    yield b" " * (limit_of(path) + 1), media_type or JSON, 413, None
    if media_type == FORM:
        yield b"username=a&password=b&username=a", FORM, 400, "duplicate_key"
        yield b"password=b&" + b"x=1&" * 900, FORM, 400, "duplicate_key"
    elif media_type == JSON:
        yield b'{"title":"a","x":{"title":1,"title":2}}', JSON, 400, "duplicate_key"
        yield json.dumps({f"k{n}": 1 for n in range(300)}).encode(), JSON, 400, "too_many_errors"
        yield b"[" * 2000 + b"]" * 2000, JSON, 400, "json_invalid"
        yield b'{"a":' + b"[" * 190 + b"]" * 190 + b"}", JSON, 400, "too_deep"


def filled(path: str, account: Account, interview_id: str) -> str:
    """The path with ids of a person and an interview that exist; other things don't exist."""
    known = {"interview_id": interview_id, "user_id": account.id}
    return re.sub(r"{(\w+)}", lambda found: known.get(found[1], UNKNOWN_ID), path)


async def refused(
    client: httpx.AsyncClient, method: str, address: str, content: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    answer = await client.request(method, address, content=content, headers=headers)
    assert len(answer.content) <= ROOM, address
    return answer.status_code, answer.json()


def test_the_operations_are_found(app: FastAPI) -> None:
    """The check below is about these at least; a list that is found empty proves nothing."""
    found = {(method, path) for method, path, media_type in operations(app) if media_type}
    assert {("POST", path) for path in PUBLIC} <= found
    assert {("POST", "/v1/interviews"), ("POST", "/v1/webhooks"), ("PATCH", "/v1/users/{user_id}")} <= found
    assert {media_type for *_, media_type in operations(app)} == {FORM, JSON, None}


async def test_order(
    app: FastAPI, client: httpx.AsyncClient, admin: Account, interviewer: Account, candidate: Account
) -> None:
    """401 comes first, then 404 and 403, and only then what is wrong with the body."""
    interview = await create_interview(client, admin, admin, candidate)
    for method, path, media_type in operations(app):
        mine, unknown = (filled(path, candidate, id_) for id_ in (interview["id"], UNKNOWN_ID))
        for content, sent_as, status, code in bad_bodies(path, media_type):
            as_type, case = {"Content-Type": sent_as}, f"{method} {path} {content[:20]!r}"
            outcome, problem = await refused(client, method, mine, content, as_type)
            assert outcome == (status if path in PUBLIC else 401), case
            if "{interview_id}" in path:
                assert (await refused(client, method, unknown, content, as_type | admin.headers))[0] == 404, case
                assert (await refused(client, method, mine, content, as_type | interviewer.headers))[0] == 403, case
            outcome, problem = await refused(client, method, mine, content, as_type | admin.headers)
            if outcome != 404 or UNKNOWN_ID not in mine:
                assert outcome == status, case
                assert code in {None, *(error["code"] for error in problem.get("errors", ()))}, case


@pytest.mark.parametrize("name", ["limit", "offset", "sort", "q", "cursor", "after"])
async def test_repeated_parameters(app: FastAPI, client: httpx.AsyncClient, admin: Account, name: str) -> None:
    """A parameter of one value that is given twice is 400 `validation_error` and named, wherever there is one."""
    interview = await create_interview(client, admin, admin)
    addresses = [
        filled(path, admin, interview["id"])
        for path, item in app.openapi()["paths"].items()
        if name in {parameter["name"] for parameter in item.get("get", {}).get("parameters", ())}
    ]
    found = 0
    for address in addresses:
        answer = await client.get(f"{address}?{name}=5&{name}=5", headers=admin.headers)
        if answer.status_code == 400:
            assert answer.json()["code"] == "validation_error", address
            assert [error["pointer"] for error in answer.json()["errors"]] == [f"?{name}"], address
            found += 1
        else:
            assert (answer.status_code, UNKNOWN_ID in address) == (404, True), address
    assert found


async def test_repeatable_parameters(client: httpx.AsyncClient, admin: Account) -> None:
    """Filters that take several values are still repeated."""
    for address in (
        "/v1/interviews?status=ongoing&status=scheduled&interview_type=a&interview_type=b",
        "/v1/events?type=interview.created&type=interview.updated",
    ):
        assert (await client.get(address, headers=admin.headers)).status_code == 200
