"""API keys and repeated requests: a key that may only create is answered with its own creator's interviews alone."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import an_account, an_api_key
from parley_interviews.testing import an_interview

if TYPE_CHECKING:
    from conftest import People

CREATING = ["interviews:create"]


@pytest.mark.parametrize(
    ("creator", "actions", "status"),
    [
        ("same", CREATING, 200),
        ("same", [*CREATING, "interviews:read"], 200),
        ("other", CREATING, 403),
        ("other", [*CREATING, "interviews:read"], 200),
    ],
)
async def test_known_external_id(
    app: FastAPI, client: httpx.AsyncClient, people: People, *, creator: str, actions: list[str], status: int
) -> None:
    """A key repeats what was created for its own account; another's interview it must be allowed to read."""
    body = an_interview(external_id=f"ats:{uuid.uuid4()}", notes="Internal")
    first = people.admin if creator == "same" else await an_account(app, "admin")
    await client.post("/v1/interviews", json=body, headers=first.headers)
    key = await an_api_key(client, people.admin, *actions)
    answer = await client.post("/v1/interviews", json=body, headers=key.headers)
    assert answer.status_code == status, answer.text
    assert "Internal" not in answer.text
    if status != 200:
        assert answer.json()["code"] == "permission_denied"


async def test_idempotency_key(client: httpx.AsyncClient, people: People) -> None:
    """A program whose answer was lost repeats its request with its API key."""
    key = await an_api_key(client, people.admin, *CREATING)
    headers = key.headers | {"Idempotency-Key": str(uuid.uuid4())}
    answers = [await client.post("/v1/interviews", json=an_interview(), headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
