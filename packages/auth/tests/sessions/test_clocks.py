"""Two servers whose clocks are 8 seconds apart: tokens of either are accepted by the other, and theft is noticed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from counts import rounds

import parley_auth.plugin
from parley_auth.testing import PASSWORD, auth_settings, roles_plugin
from parley_core import utc_now
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client

ADA = {"email": "ada@example.com", "password": PASSWORD}
TEAM = roles_plugin("interviewer", registers="candidate")


def ahead_by(seconds: float) -> Callable[[], datetime]:
    """Return a clock that is so much ahead of the database's."""
    return lambda: utc_now() + timedelta(seconds=seconds)


@pytest.fixture(params=[(0, 8), (-8, 0)], ids=["one ahead", "one behind"])
async def servers(
    core_settings: CoreSettings, request: pytest.FixtureRequest
) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        clients = []
        for seconds in request.param:
            settings = [core_settings, auth_settings()]
            app = an_application(settings, [parley_auth.plugin, TEAM], clock=ahead_by(seconds))
            clients.append(await stack.enter_async_context(running_client(app)))
        await clients[0].post("/v1/auth/register", json=ADA)
        yield clients


async def logged_in(server: httpx.AsyncClient) -> dict[str, Any]:
    answer = await server.post("/v1/auth/login", json=ADA)
    assert answer.status_code == 200
    pair: dict[str, Any] = answer.json()
    return pair


async def refreshed(server: httpx.AsyncClient, pair: dict[str, Any]) -> httpx.Response:
    return await server.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})


@pytest.mark.attack
async def test_logins(servers: list[httpx.AsyncClient]) -> None:
    """Whoever logs in at one server is let in by both, at once."""
    refused = []
    for number in range(rounds(3, full=1000)):
        pair = await logged_in(servers[number % 2])
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        refused += [s for s in servers if (await s.get("/v1/users/me", headers=headers)).status_code != 200]
    assert refused == []


async def test_reuse(servers: list[httpx.AsyncClient]) -> None:
    """A spent token that is used again is a theft at once, whichever server exchanged it and whichever gets it."""
    for first in servers:
        for second in servers:
            pair = await logged_in(first)
            assert (await refreshed(first, pair)).status_code == 200
            assert (await refreshed(second, pair)).json()["code"] == "refresh_reused"
