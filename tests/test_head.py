"""HEAD stands wherever GET does: the same answer without its body, behind the same guard."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from parley_app import create_app
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Parley
from parley_core.http.stream_budget import StreamBudget
from parley_core.kernel.settings import CoreSettings
from parley_core.testing.streams import served
from parley_interviews.testing import create_interview
from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.transport.vault import new_key

OF_ONE_ANSWER = {"x-request-id", "date", "cache-status"}
"""Headers that differ between two answers to the same request."""
UNLISTED = ("/docs", "/openapi.json")


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    webhooks = WebhooksSettings(webhooks_key=SecretStr(new_key()), webhooks_allow_networks=("127.0.0.0/8",))
    return create_app([core_settings, auth_settings(), webhooks])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on a real server, which can stream."""
    async with served(app) as client:
        yield client


def addresses(app: FastAPI, ids: Mapping[str, str]) -> list[str]:
    """Return the address of every GET operation, with an id for each of its parameters."""
    paths = [path for path, operations in app.openapi()["paths"].items() if "get" in operations]
    return [re.sub(r"{(\w+)}", lambda found: ids[found[1]], path) for path in (*sorted(paths), *UNLISTED)]


async def answers(client: httpx.AsyncClient, address: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return status and headers of what GET and HEAD answer; a stream is left once it has begun."""
    found: dict[str, Any] = {}
    for method in ("GET", "HEAD"):
        async with client.stream(method, address, headers=headers) as answer:
            if method == "HEAD":
                assert await answer.aread() == b""
            sent = {name: value for name, value in answer.headers.items() if name not in OF_ONE_ANSWER}
            sent.pop("transfer-encoding", None)
            found[method] = answer.status_code, sent
    return found


@pytest.fixture
async def ids(client: httpx.AsyncClient, admin: Account, candidate: Account) -> dict[str, str]:
    interview = await create_interview(client, admin, admin, candidate)
    body = {"url": "https://127.0.0.1:9/parley", "types": ["interview.created"]}
    created = await client.post("/v1/webhooks", json=body, headers=admin.headers)
    assert created.status_code == 201, created.text
    feed = (await client.post("/v1/calendar/feeds", json={}, headers=admin.headers)).json()
    token = feed["url"].rpartition("/")[2].removesuffix(".ics")
    named = {"interview_id": interview["id"], "user_id": candidate.id, "webhook_id": created.json()["id"]}
    return {**named, "token": token}


class TestEveryOperation:
    async def test_same_answer(
        self, app: FastAPI, client: httpx.AsyncClient, ids: dict[str, str], admin: Account, candidate: Account
    ) -> None:
        """HEAD answers each caller what GET answers them, without a body: 200, 401 and 403 with all headers."""
        statuses = set()
        for address in addresses(app, ids):
            for headers in ({}, candidate.headers, admin.headers):
                found = await answers(client, address, headers)
                assert found["GET"] == found["HEAD"], address
                statuses.add(found["HEAD"][0])
        assert statuses == {200, 401, 403}

    async def test_not_modified(
        self, app: FastAPI, client: httpx.AsyncClient, ids: dict[str, str], admin: Account
    ) -> None:
        """What has an entity tag is answered 304 to whoever names it."""
        tagged = 0
        for address in addresses(app, ids):
            if "/stream" in address:
                continue
            first = await client.head(address, headers=admin.headers)
            if etag := first.headers.get("etag"):
                again = await client.head(address, headers={**admin.headers, "If-None-Match": etag})
                assert (again.status_code, again.headers["etag"]) == (304, etag)
                tagged += 1
        assert tagged >= 7

    async def test_allow(self, app: FastAPI, client: httpx.AsyncClient, ids: dict[str, str], admin: Account) -> None:
        """A 405 names HEAD wherever GET is allowed; where it isn't, HEAD is refused."""
        for address in addresses(app, ids):
            answer = await client.request("TRACE", address, headers=admin.headers)
            assert {"GET", "HEAD"} <= set(answer.headers["Allow"].split(", ")), address
        refused = await client.head("/v1/auth/login")
        assert (refused.status_code, refused.headers["Allow"], refused.content) == (405, "POST", b"")

    async def test_documented_once(self, app: FastAPI) -> None:
        """The OpenAPI document has no operation for HEAD: it is GET's."""
        assert not [path for path, operations in app.openapi()["paths"].items() if "head" in operations]


async def test_from_the_cache(client: httpx.AsyncClient, ids: dict[str, str], admin: Account) -> None:
    """HEAD and GET share the kept answer, whichever came first."""
    for first, second in (("HEAD", "GET"), ("GET", "HEAD")):
        address = f"/v1/interviews?limit={len(first)}"
        found = [await client.request(method, address, headers=admin.headers) for method in (first, second)]
        assert [answer.headers["Cache-Status"] for answer in found] == ["parley; fwd=miss", "parley; hit"]
        assert found[0].headers["Content-Length"] == found[1].headers["Content-Length"] != "0"


async def test_streams(app: FastAPI, client: httpx.AsyncClient, ids: dict[str, str], admin: Account) -> None:
    """HEAD on a stream answers its headers and ends: no place is taken, however often it is asked."""
    parley: Parley = app.state.parley
    budget = parley.require(StreamBudget)
    for address in ("/v1/events/stream", f"/v1/interviews/{ids['interview_id']}/messages/stream"):
        for _ in range(25):
            answer = await client.head(address, headers=admin.headers)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            assert "content-length" not in answer.headers
        assert budget.open == 0
        async with client.stream("GET", address, headers=admin.headers) as answer:
            assert (answer.status_code, budget.open) == (200, 1)
        stranger = await an_account(app, "candidate")
        assert (await client.head(address, headers=stranger.headers)).status_code == 403
