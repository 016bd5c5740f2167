"""The budget of streams, which the log of messages and the log of all events share."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI

from parley_app import create_app
from parley_auth.testing import Account, an_api_key, auth_settings
from parley_core.http.stream_budget import StreamBudget
from parley_core.kernel.settings import CoreSettings
from parley_core.testing.streams import Listener, listening, served
from parley_interviews.testing import create_interview

PER_USER, PER_WORKER = 3, 5
EVENTS = "/v1/events/stream"


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    limits = {"streams_per_user": PER_USER, "streams_per_worker": PER_WORKER}
    return create_app([core_settings.model_copy(update=limits), auth_settings()])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a real server, which can stream."""
    async with served(app) as client:
        yield client


async def test_limits(client: httpx.AsyncClient, admin: Account, interviewer: Account) -> None:
    """A user has so many streams of both kinds and by whatever key, a worker so many of all users."""
    interview = await create_interview(client, admin, admin, interviewer)
    messages = f"/v1/interviews/{interview['id']}/messages/stream"
    key = await an_api_key(client, admin, "events:read")
    async with AsyncExitStack() as stack:

        async def follow(address: str, headers: dict[str, str]) -> Listener:
            return await stack.enter_async_context(listening(client, address, headers))

        mine = [(messages, admin.headers), (EVENTS, admin.headers), (EVENTS, key.headers)]
        streams = [await follow(*one) for one in mine]
        assert [stream.response.status_code for stream in streams] == [200] * PER_USER
        for address, headers in mine:
            refused = (await follow(address, headers)).response
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            assert int(refused.headers["Retry-After"]) > 0
        streams = [await follow(messages, interviewer.headers) for _ in range(PER_WORKER - PER_USER)]
        assert [stream.response.status_code for stream in streams] == [200] * (PER_WORKER - PER_USER)
        full = (await follow(messages, interviewer.headers)).response
        assert (full.status_code, full.json()["code"]) == (503, "unavailable")
        assert int(full.headers["Retry-After"]) > 0
        assert (await client.get("/v1/users/me", headers=interviewer.headers)).status_code == 200


async def test_refused_for_another_reason(client: httpx.AsyncClient, app: FastAPI, admin: Account) -> None:
    """A stream that is refused for another reason takes no place."""
    for query in ("?unknown=1", "?after=999", "?type=nothing.of_the_kind"):
        answer = await client.get(f"{EVENTS}{query}", headers=admin.headers)
        assert answer.status_code == 400
    assert app.state.parley.require(StreamBudget).open == 0


async def test_clients_that_have_gone(client: httpx.AsyncClient, app: FastAPI, admin: Account) -> None:
    """Clients who leave before the first byte, or after it, leave their places to others."""
    budget = app.state.parley.require(StreamBudget)
    authorization = f"Authorization: {admin.headers['Authorization']}"
    request = f"GET {EVENTS} HTTP/1.1\r\nHost: test\r\n{authorization}\r\n\r\n"
    for _ in range(3 * PER_USER):
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
            connection.sendall(request.encode())
    opened = 0
    async with asyncio.timeout(10):
        while opened < 2 * PER_USER or budget.open:
            async with listening(client, EVENTS, admin.headers) as stream:
                opened += stream.response.status_code == 200
            await asyncio.sleep(0.01)
