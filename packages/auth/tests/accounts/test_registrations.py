"""How many accounts one network may register, over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth.testing import PASSWORD, an_account, auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, an_application, running_client
from parley_core.testing.log_lines import lines_of
from parley_core.testing.metrics import Metrics

LIMIT = 4
STRANGER, NEIGHBOUR = "203.0.113.9", "203.0.113.10"


def an_app(core: CoreSettings, clock: MovableClock, limit: int = LIMIT) -> FastAPI:
    settings = [core, auth_settings(registrations_per_hour=limit)]
    return an_application(settings, [parley_auth.plugin], clock=clock)


@pytest.fixture
async def app(core_settings: CoreSettings, clock: MovableClock) -> AsyncIterator[FastAPI]:
    """A running application that admits four registrations."""
    app = an_app(core_settings, clock)
    async with running_client(app):
        yield app


async def register(app: FastAPI, address: str, name: str, password: str = PASSWORD) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        body = {"email": f"{name}@example.com", "password": password}
        return await client.post("/v1/auth/register", json=body)


async def fill(app: FastAPI, address: str = STRANGER, *, times: int = LIMIT, name: str = "ada") -> None:
    """Register so many accounts, one after the other."""
    for number in range(times):
        assert (await register(app, address, f"{name}{number}")).status_code == 201


async def test_over_the_limit(app: FastAPI, clock: MovableClock) -> None:
    """The next registration gets 429 and the time to wait, and creates nothing; other networks go on."""
    await fill(app, times=1)
    clock.move(timedelta(minutes=10))
    await fill(app, times=LIMIT - 1, name="bob")
    answer = await register(app, STRANGER, "eve")
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert "from your network" in answer.json()["detail"]
    assert answer.headers["Retry-After"] == str(50 * 60)
    assert await app.state.parley.database.users.count_documents({}) == LIMIT
    assert (await register(app, NEIGHBOUR, "eve")).status_code == 201


async def test_refusals_are_counted(app: FastAPI, metrics: Metrics) -> None:
    """Those beyond the limit are counted, and those on a free network aren't."""
    await fill(app)
    await register(app, STRANGER, "eve")
    await register(app, NEIGHBOUR, "eve")
    assert metrics.value("parley.refusals") == metrics.value("parley.refusals", budget="registrations") == 1


async def test_any_hour(app: FastAPI, clock: MovableClock) -> None:
    """The limit is that of any hour: each registration becomes free one hour after it, and no sooner."""
    for number in range(LIMIT):
        await fill(app, times=1, name=f"ada{number}-")
        clock.move(timedelta(minutes=10))
    clock.move(timedelta(minutes=60 - 10 * LIMIT, milliseconds=-1))
    assert (await register(app, STRANGER, "early")).headers["Retry-After"] == "1"
    clock.move(timedelta(milliseconds=1))
    await fill(app, times=1, name="bob")
    assert (await register(app, STRANGER, "eve")).headers["Retry-After"] == "600"
    counters = await app.state.parley.database.registration_counts.find().to_list()
    assert [(len(c["times"]), c["expires_at"] - clock()) for c in counters] == [(LIMIT, timedelta(hours=1))]


async def test_shared_by_workers(core_settings: CoreSettings, clock: MovableClock) -> None:
    """Of a flood on three workers as many succeed as the limit says, and the others aren't even hashed."""
    apps = [an_app(core_settings, clock) for _ in range(3)]
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(running_client(app))
        sent = [register(apps[number % 3], STRANGER, f"ada{number}") for number in range(60)]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*sent))
    assert statuses == [201] * LIMIT + [429] * (60 - LIMIT)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.7", "169.254.1.2", "::1", "fd00::1", ""])
async def test_internal_networks(app: FastAPI, address: str) -> None:
    """This machine, a Unix socket and private networks aren't counted."""
    await fill(app, address, times=LIMIT + 1)
    assert await app.state.parley.database.registration_counts.count_documents({}) == 0


async def test_no_limit(core_settings: CoreSettings, clock: MovableClock) -> None:
    """With 0 nothing is counted."""
    app = an_app(core_settings, clock, limit=0)
    async with running_client(app):
        await fill(app, times=LIMIT + 1)
        assert await app.state.parley.database.registration_counts.count_documents({}) == 0


async def test_networks_of_one_customer(app: FastAPI) -> None:
    """The /64s of one /48 count together, and IPv4 addresses behind a NAT64 one by one."""
    for number in range(LIMIT):
        assert (await register(app, f"2001:db8:1:{number}::1", f"ada{number}")).status_code == 201
    assert (await register(app, "2001:db8:1:ffff::1", "eve")).status_code == 429
    assert (await register(app, "2001:db8:2::1", "eve")).status_code == 201
    await fill(app, f"64:ff9b::{STRANGER}", name="bob")
    assert (await register(app, STRANGER, "bob")).status_code == 429
    assert (await register(app, f"64:ff9b::{NEIGHBOUR}", "bob")).status_code == 201


async def test_what_counts(app: FastAPI) -> None:
    """A taken e-mail costs a hash and counts; a weak password, a login and an administrator's creation don't."""
    admin = await an_account(app, email="root@example.com", password=PASSWORD)
    for number in range(LIMIT + 1):
        assert (await register(app, STRANGER, f"ada{number}", "12345678")).json()["code"] == "weak_password"
    for _ in range(LIMIT):
        assert (await register(app, STRANGER, "root")).json()["code"] == "duplicate_email"
    assert (await register(app, STRANGER, "ada")).json()["code"] == "rate_limited"
    transport = httpx.ASGITransport(app, client=(STRANGER, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        login = {"email": admin.user.email, "password": PASSWORD}
        assert (await client.post("/v1/auth/login", json=login)).status_code == 200


async def test_logged(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal is a security event with the network, and without the e-mail."""
    caplog.set_level(logging.INFO, "parley.security")
    await fill(app)
    answer = await register(app, STRANGER, "eve")
    [logged] = lines_of(caplog.records, "parley.security")
    assert (logged["event"], logged["network"]) == ("registration_throttled", STRANGER)
    assert logged["request_id"] == answer.headers["X-Request-ID"]
    assert "eve@" not in caplog.text
