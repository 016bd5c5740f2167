"""Fixtures of the tests of calendars: an application of auth, interviews and calendars, whose clock tests move.

The application and its database serve a whole module: a test creates its own people and interviews.
"""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from icalendar import Calendar, Event
from pymongo import MongoClient

import parley_auth.plugin
import parley_calendar.plugin
import parley_interviews.plugin
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Database
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, an_application
from parley_core.testing.documented import Documented

FEEDS = "/v1/calendar/feeds"


@dataclass(frozen=True)
class People:
    """One account of each role."""

    admin: Account
    interviewer: Account
    candidate: Account


class Calendars:
    """Requests of calendars, and what is in the answers."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def create(self, owner: Account, **body: Any) -> dict[str, Any]:
        """Create a feed."""
        answer = await self.client.post(FEEDS, json=body, headers=owner.headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def file(self, address: str, reader: Account, **headers: str) -> httpx.Response:
        """Read an interview as a file."""
        return await self.client.get(f"{address}/calendar.ics", headers={**reader.headers, **headers})

    async def events(self, url: str) -> Sequence[Event]:
        """Return the events of a feed."""
        answer = await self.client.get(url)
        assert answer.status_code == 200, answer.text
        return self.events_in(answer)

    def events_in(self, answer: httpx.Response) -> Sequence[Event]:
        """Return the events in an answer, as another program reads them."""
        return Calendar.from_ical(answer.content).events


@pytest.fixture(scope="module")
def core(mongodb_uri: str) -> Iterator[CoreSettings]:
    name = f"test_{uuid.uuid4().hex[:20]}"
    yield CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=name)  # type: ignore[arg-type]
    with MongoClient[dict[str, object]](mongodb_uri) as client:
        client.drop_database(name)


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
async def workers(core: CoreSettings, clock: MovableClock) -> AsyncIterator[list[FastAPI]]:
    """Two applications on one database, as two workers have them."""
    plugins = [parley_auth.plugin, parley_interviews.plugin, parley_calendar.plugin]
    first, second = [an_application([core, auth_settings()], plugins, clock=clock) for _ in range(2)]
    async with first.router.lifespan_context(first), second.router.lifespan_context(second):
        yield [first, second]


@pytest.fixture(scope="module")
def app(workers: list[FastAPI]) -> FastAPI:
    return workers[0]


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that fails the test when an answer isn't as the OpenAPI document describes it."""
    transport, hooks = httpx.ASGITransport(app=app), {"response": [Documented(app.openapi()).refuse]}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", event_hooks=hooks) as client:
        yield client


@pytest.fixture(scope="module")
def calendars(client: httpx.AsyncClient) -> Calendars:
    return Calendars(client)


@pytest.fixture
def database(app: FastAPI) -> Database:
    return app.state.parley.database  # type: ignore[no-any-return]


@pytest.fixture
async def people(app: FastAPI) -> People:
    admin, interviewer, candidate = [await an_account(app, role) for role in ("admin", "interviewer", "candidate")]
    return People(admin, interviewer, candidate)
