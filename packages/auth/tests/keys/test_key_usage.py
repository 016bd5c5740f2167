"""When a key was last used: by the hour, with one write, beside the requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pymongo.errors import NetworkTimeout

from parley_auth.keys.repository import KeyRepository
from parley_auth.keys.usage import KeyUsage
from parley_auth.testing import IssuedKey, People, an_api_key, log_in
from parley_core.testing import MovableClock

KEYS, USERS = "/v1/api-keys", "/v1/users"


class Recording(KeyRepository):
    """Stores last uses, counts them, and waits before each or fails it where a test wants that."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(app.state.parley.database)
        self.noted: list[datetime] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.error: Exception | None = None

    async def note_use(self, user_id: str, key_id: str, hour: datetime) -> None:
        self.noted.append(hour)
        await self.may_go_on.wait()
        if self.error:
            raise self.error
        await super().note_use(user_id, key_id, hour)


@pytest.fixture
async def recording(app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Recording:
    recording = Recording(app)
    monkeypatch.setattr(app.state.parley.require(KeyUsage), "_keys", recording)
    return recording


async def settle(app: FastAPI) -> None:
    """Return when nothing is being stored any more."""
    await app.state.parley.require(KeyUsage).close()


async def use(client: httpx.AsyncClient, key: IssuedKey) -> None:
    assert (await client.get(USERS, headers=key.headers)).status_code == 200


async def shown(app: FastAPI, client: httpx.AsyncClient, people: People) -> Any:
    """Return what the list shows, to an administrator whose session is fresh."""
    headers = await log_in(app.state.parley, people.admin.user)
    [key] = (await client.get(KEYS, headers=headers)).json()["items"]
    return key["last_used_at"]


@asynccontextmanager
async def blocked(recording: Recording) -> AsyncIterator[None]:
    """Keep last uses from being stored during the block."""
    recording.may_go_on.clear()
    try:
        yield
    finally:
        recording.may_go_on.set()


async def test_by_the_hour(
    app: FastAPI, client: httpx.AsyncClient, people: People, recording: Recording, clock: MovableClock
) -> None:
    """The list shows the hour of the last use; of all uses in an hour one is stored."""
    key = await an_api_key(client, people.admin, "users:list")
    assert await shown(app, client, people) is None
    for minutes, hour in ((25, 12), (20, 12), (14, 12), (1, 13), (59, 13), (1, 14)):
        clock.move(timedelta(minutes=minutes))
        for _ in range(3):
            await use(client, key)
        await settle(app)
        assert await shown(app, client, people) == f"2027-03-01T{hour}:00:00Z"
    assert [hour.hour for hour in recording.noted] == [12, 13, 14]


async def test_raises_no_rev(app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
    """A use is no change of the account: no revision, no entry."""
    key = await an_api_key(client, people.admin, "users:list")
    await use(client, key)
    await settle(app)
    stored = await app.state.parley.database.users.find_one({"_id": people.admin.id})
    assert (stored["rev"], stored["keys"][0]["last_used_at"].hour) == (2, 12)


async def test_delays_no_request(
    app: FastAPI, client: httpx.AsyncClient, people: People, recording: Recording, clock: MovableClock
) -> None:
    """While a use can't be stored, requests are answered, and nothing piles up behind it."""
    key = await an_api_key(client, people.admin, "users:list")
    async with blocked(recording):
        for _ in range(5):
            await use(client, key)
        assert len(recording.noted) == 1
        assert await shown(app, client, people) is None
    await settle(app)
    assert await shown(app, client, people) == "2027-03-01T12:00:00Z"


async def test_one_after_the_other(
    app: FastAPI, client: httpx.AsyncClient, people: People, recording: Recording
) -> None:
    """Uses of many keys at once wait for each other, so that they take one connection and leave the others."""
    keys = [await an_api_key(client, people.admin, "users:list") for _ in range(5)]
    async with blocked(recording):
        for key in keys:
            await use(client, key)
        assert len(recording.noted) == 1
    await settle(app)
    assert len(recording.noted) == 5


async def test_fails_no_request(
    app: FastAPI, client: httpx.AsyncClient, people: People, recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    """A use that couldn't be stored is logged by the key's id and tried again with the next request."""
    key = await an_api_key(client, people.admin, "users:list")
    recording.error = NetworkTimeout("away")
    await use(client, key)
    await settle(app)
    assert [r.getMessage() for r in caplog.records if r.name == "parley.auth"] == [
        f"the last use of key {key.id} could not be stored (NetworkTimeout)"
    ]
    recording.error = None
    await use(client, key)
    await settle(app)
    assert await shown(app, client, people) == "2027-03-01T12:00:00Z"


async def test_refused_ones_are_none(
    app: FastAPI, client: httpx.AsyncClient, people: People, recording: Recording, clock: MovableClock
) -> None:
    """An expired key and a forged one are not used."""
    key = await an_api_key(client, people.admin, "users:list", expires_in_days=1)
    clock.move(timedelta(days=1))
    for text in (key.text, key.text[:-1] + "x", key.text[:-3] + "abc"):
        answer = await client.get(USERS, headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 401
    await settle(app)
    assert recording.noted == []


async def test_each_worker_once(
    app: FastAPI, client: httpx.AsyncClient, people: People, recording: Recording, clock: MovableClock
) -> None:
    """A worker remembers the keys of the present hour alone, each of which it notes once."""
    keys = [await an_api_key(client, people.admin, "users:list") for _ in range(3)]
    for hours in range(2):
        clock.move(timedelta(hours=hours))
        for _ in range(2):
            for key in keys:
                await use(client, key)
        await settle(app)
        assert len(recording.noted) == 3 * (hours + 1)


async def test_one_write_of_several_workers(app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
    """Where several workers note one hour, the first stores it; an earlier hour never replaces a later one."""
    key = await an_api_key(client, people.admin, "users:list")
    keys, hour = KeyRepository(app.state.parley.database), datetime.fromisoformat("2027-03-01T15:00:00+00:00")
    for late in (timedelta(0), timedelta(hours=1), timedelta(0)):
        await keys.note_use(people.admin.id, key.id, hour - late)
        assert await shown(app, client, people) == "2027-03-01T15:00:00Z"


async def test_at_the_end(app: FastAPI, client: httpx.AsyncClient, people: People, recording: Recording) -> None:
    """What can't be stored doesn't keep the application from stopping."""
    key = await an_api_key(client, people.admin, "users:list")
    async with blocked(recording):
        await use(client, key)
        await asyncio.wait_for(settle(app), timeout=5)
        assert await shown(app, client, people) is None
