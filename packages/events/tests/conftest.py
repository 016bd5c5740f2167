"""Fixtures of the tests of events: an application of auth and events, a plugin whose notes change, and who reads it.

Other test modules import these classes for their types only: pytest gives them the objects.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
import parley_events.plugin
from parley_auth.testing import Account, People, an_account, auth_settings, roles_plugin, some_people
from parley_core import (
    Actor,
    CollectionIndexes,
    Database,
    Document,
    Event,
    EventLog,
    EventType,
    LogEntry,
    LogFilter,
    Parley,
    Settings,
    insert_recorded,
    new_id,
    record,
)
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import MovableClock, a_plugin, an_application, running_client
from parley_core.testing.streams import served

TEAM = roles_plugin("interviewer", registers="candidate")


ADDRESS = "/v1/events"
ALL = LogFilter()
T = TypeVar("T")
CREATED = EventType("note.created", "A note was created.")
CHANGED = EventType("note.changed", "A note changed.")
NOTES = a_plugin(
    "notes",
    parley_events=[CREATED, CHANGED],
    parley_indexes=[CollectionIndexes("notes", (), recorded=True)],
)


class InterruptedLog(EventLog):
    """The log; something happens each time before it is queried, when its end is known already."""

    def __init__(self, database: Database, interlude: Callable[[], Awaitable[object]]) -> None:
        super().__init__(database)
        self._interlude = interlude

    async def after(self, position: int, *, limit: int, where: LogFilter = ALL) -> list[LogEntry]:
        await self._interlude()
        return await super().after(position, limit=limit, where=where)


class Stage:
    """A running application, its accounts, and what tests do with it."""

    def __init__(self, settings: Sequence[Settings], clock: MovableClock) -> None:
        self._settings = settings
        self.clock = clock
        self.app = self.application()
        self.client: httpx.AsyncClient
        self.served_app: FastAPI
        self.people: People

    def application(self, *plugins: object) -> FastAPI:
        """Another application on the same database, of auth and these plugins; of events and the notes by default."""
        chosen = [parley_auth.plugin, TEAM, *(plugins or [parley_events.plugin, NOTES])]
        return an_application(self._settings, chosen, clock=self.clock)

    def served(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """A client of a further worker that is a real server, which can stream."""
        self.served_app = self.application()
        return served(self.served_app)

    @property
    def parley(self) -> Parley:
        return self.app.state.parley  # type: ignore[no-any-return]

    @property
    def database(self) -> Database:
        return self.parley.database

    @property
    def headers(self) -> dict[str, str]:
        """What the administrator sends."""
        return self.people.admin.headers

    async def begin(self) -> None:
        """Store accounts."""
        self.people = await some_people(self.app)

    def interrupted_log(self, interlude: Callable[[], Awaitable[object]]) -> EventLog:
        """The log of another reader; the interlude runs before each of its queries."""
        return InterruptedLog(self.database, interlude)

    async def another_admin(self) -> Account:
        """A second administrator."""
        return await an_account(self.app, "admin")

    async def relayed(self) -> int:
        """Bring everything into the log, and return its head."""
        await self.parley.require(Relay).drain()
        return await self.parley.require(EventLog).head()

    async def create(self, *, actor: str | None = None, at: datetime | None = None, **changes: Any) -> str:
        """Create a note, and return its id."""
        note = {"_id": new_id(), **changes}
        await insert_recorded(self.database["notes"], note, self._event(CREATED, note["_id"], actor, at, changes))
        return str(note["_id"])

    async def change(self, note: str, *, actor: str | None = None, at: datetime | None = None, **changes: Any) -> None:
        """Change a note."""
        event = self._event(CHANGED, note, actor, at, changes)
        assert await record(self.database["notes"], {"_id": note}, changes, event)

    def _event(
        self, kind: EventType, note: str, actor: str | None, at: datetime | None, changes: dict[str, Any]
    ) -> Event:
        return Event(
            type=kind,
            at=at or self.clock(),
            actor=Actor(actor, "admin" if actor else "system", "test"),
            changes={name: (None, value) for name, value in changes.items()},
            audience=(note,),
        )

    async def read(self, caller: Account | None = None, **query: Any) -> httpx.Response:
        """Read a page, as the administrator unless another caller is given."""
        return await self.client.get(ADDRESS, params=query, headers=(caller or self.people.admin).headers)

    async def positions(self, **query: Any) -> list[int]:
        """Return the positions on a page."""
        page = await self.read(**query)
        assert page.status_code == 200, page.text
        return [event["position"] for event in page.json()["items"]]

    async def profile(self, work: Callable[[], Awaitable[T]]) -> tuple[T, list[Document]]:
        """Return what some work returns, and what MongoDB did in the log for it."""
        await self.database["system.profile"].drop()
        await self.database.command("profile", 2)
        try:
            result = await work()
        finally:
            await self.database.command("profile", 0)
        of_log = {"ns": f"{self.database.name}.events", "op": {"$in": ["query", "command"]}}
        return result, await self.database["system.profile"].find(of_log).to_list()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    return reused_settings


@pytest.fixture
async def stage(core_settings: CoreSettings, clock: MovableClock) -> AsyncIterator[Stage]:
    stage = Stage([core_settings, auth_settings()], clock)
    async with running_client(stage.app) as stage.client:
        await stage.begin()
        yield stage
