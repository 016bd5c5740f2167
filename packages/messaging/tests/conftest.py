"""Fixtures of the tests of messaging: a stand-in for interviews, an application of both, and what uses it.

Other test modules import these classes for their types only: pytest gives them the objects.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
import parley_messaging.plugin
from parley_auth import OUTSIDER, TOUCH, Locked, ParticipantScope, PolicyTable, Principal, Resource
from parley_auth.testing import Account, an_account, auth_settings, roles_plugin
from parley_core import (
    CollectionIndexes,
    Database,
    Document,
    EventLog,
    LogEntry,
    LogFilter,
    Parley,
    Session,
    Settings,
    hookimpl,
    in_transaction,
    new_id,
)
from parley_core.errors import BusinessRuleError, NotFoundError
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import MovableClock, an_application, running_client
from parley_core.testing.streams import served
from parley_messaging.settings import MessagingSettings
from parley_messaging.testing import address

TEAM = roles_plugin("interviewer", registers="candidate")
STATES = ("scheduled", "ongoing", "completed", "cancelled")


class RoomNotFound(NotFoundError):
    code = "interview_not_found"
    title = "There is no such room"


class RoomClosed(BusinessRuleError):
    code = "interview_closed"
    title = "The room is closed"


class Rooms:
    """A plugin whose rooms are to messaging what interviews are: `{_id, state, participants: [user ids], touched}`.

    The `interlude`, if there is one, runs once, right after the next guard has read its room. `reads` is how often
    guards have read one.
    """

    scope = "interview"
    collection = "rooms"

    def __init__(self) -> None:
        self.reads = 0
        self.interlude: Callable[[], Awaitable[object]] | None = None

    @hookimpl
    def parley_indexes(self) -> list[CollectionIndexes]:
        return [CollectionIndexes(self.collection, ())]

    @hookimpl
    def parley_participant_scopes(self) -> list[ParticipantScope]:
        scope = ParticipantScope(
            name=self.scope,
            path_param=f"{self.scope}_id",
            relations=("member",),
            states=STATES,
            not_found=RoomNotFound,
            closed=RoomClosed,
            access_of=self.access_of,
            lock=self.lock,
        )
        return [scope]

    async def access_of(self, parley: Parley, resource_id: str, principal: Principal) -> Resource | None:
        """Return the room as it is now."""
        self.reads += 1
        room = await parley.database[self.collection].find_one({"_id": resource_id})
        interlude, self.interlude = self.interlude, None
        if interlude:
            await interlude()
        if room is None:
            return None
        relation = "member" if principal.id in room["participants"] else OUTSIDER
        return Resource(resource_id, room["state"], relation, room["touched"])

    async def lock(
        self, parley: Parley, session: Session, resource_id: str, user_ids: Sequence[str], action: str
    ) -> Locked:
        """Touch the room in the transaction."""
        rooms = parley.database[self.collection]
        states = parley.require(PolicyTable).states_of(action) or frozenset(STATES)
        room = await rooms.find_one_and_update(
            {"_id": resource_id, "state": {"$in": sorted(states)}}, TOUCH, session=session
        )
        if room is None:
            exists = await rooms.find_one({"_id": resource_id}, session=session)
            raise RoomClosed if exists else RoomNotFound
        return Locked(room["state"], {user: "member" for user in room["participants"] if user in user_ids})


class Tickets(Rooms):
    """A plugin of another scope, beside the rooms."""

    scope = "ticket"
    collection = "tickets"


class Chat:
    """A running application of messaging and rooms, and what tests do with it."""

    def __init__(self, settings: Sequence[Settings], clock: MovableClock) -> None:
        self._settings = settings
        self._clock = clock
        self.rooms = Rooms()
        self.app = self._application(self.rooms)
        self.client: httpx.AsyncClient
        self.served_app: FastAPI
        self.served_rooms: Rooms

    def _application(self, rooms: Rooms) -> FastAPI:
        plugins = [parley_auth.plugin, TEAM, parley_messaging.plugin, rooms]
        return an_application(self._settings, plugins, clock=self._clock)

    def served(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """A client of a further worker that is a real server, which can stream."""
        self.served_rooms = Rooms()
        self.served_app = self._application(self.served_rooms)
        return served(self.served_app)

    def another_worker(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """A client of a second application on the same database."""
        return running_client(self._application(Rooms()))

    @property
    def parley(self) -> Parley:
        return self.app.state.parley  # type: ignore[no-any-return]

    @property
    def database(self) -> Database:
        return self.parley.database

    @property
    def policy(self) -> PolicyTable:
        return self.parley.require(PolicyTable)

    async def account(self, role: str = "candidate") -> Account:
        """A new account."""
        return await an_account(self.app, role)

    async def room(self, *members: Account, state: str = "ongoing") -> str:
        """A new room in which `members` take part."""
        room = {"_id": new_id(), "state": state, "participants": [m.id for m in members], "touched": 0, "rev": 1}
        await self.database["rooms"].insert_one(room)
        return str(room["_id"])

    async def change(self, room: str, update: Document) -> int:
        """Change a room, as interviews are changed, and return the head of its log at that moment."""
        recorded = {**update, "$inc": {"rev": 1}}

        async def work(session: Session) -> int:
            await self.database["rooms"].update_one({"_id": room}, recorded, session=session)
            log = await self.database["message_logs"].find_one({"_id": room}, session=session)
            return log["last_seq"] if log else 0

        return await in_transaction(self.parley.client, work)

    async def close(self, room: str) -> int:
        """Complete a room."""
        return await self.change(room, {"$set": {"state": "completed"}})

    async def remove(self, room: str, member: Account) -> int:
        """Remove somebody from a room."""
        return await self.change(room, {"$pull": {"participants": member.id}})

    async def fill(self, room: str, senders: Sequence[Account], count: int) -> None:
        """Write a log straight into the database; the senders take turns."""
        messages = [
            {
                "_id": new_id(),
                "log_id": room,
                "seq": seq,
                "sender_id": senders[seq % len(senders)].id,
                "content": f"message {seq}",
                "created_at": self._clock(),
            }
            for seq in range(1, count + 1)
        ]
        await self.database["messages"].insert_many(messages)
        await self.database["message_logs"].insert_one({"_id": room, "last_seq": count})

    async def stored(self, room: str) -> list[Document]:
        """Return the messages in the database in the order of their ids, oldest first."""
        return await self.database["messages"].find({"log_id": room}).sort("_id", 1).to_list()

    async def events(self, room: str) -> list[LogEntry]:
        """Return the events of a room's log, once all that wait are in the log of all events."""
        await self.parley.require(Relay).drain()
        return await self.parley.require(EventLog).after(0, limit=10_000, where=LogFilter(subject_id=room))

    async def post(self, room: str, sender: Account, content: str = "Hello", **more: str) -> httpx.Response:
        """Post a message."""
        return await self.client.post(address(room), json={"content": content, **more}, headers=sender.headers)

    async def read(self, room: str, reader: Account, **query: Any) -> httpx.Response:
        """Read a page."""
        return await self.client.get(address(room), params=query, headers=reader.headers)

    async def profile(self, request: Callable[[], Awaitable[httpx.Response]]) -> tuple[httpx.Response, list[Document]]:
        """Return a request's answer, and what MongoDB did in the collections of messages and the outbox for it."""
        await self.database["system.profile"].drop()
        await self.database.command("profile", 2)
        try:
            answer = await request()
        finally:
            await self.database.command("profile", 0)
        owned = {"$in": [f"{self.database.name}.{name}" for name in ("messages", "message_logs", "outbox")]}
        return answer, await self.database["system.profile"].find({"ns": owned}).to_list()


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    return reused_settings


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def hide_existence() -> bool:
    """Parametrize it to answer outsiders 404."""
    return False


@pytest.fixture
def rooms() -> Rooms:
    """The plugin of rooms, for an application that a test makes itself."""
    return Rooms()


@pytest.fixture
def tickets() -> Tickets:
    """A plugin of another participant scope, with the same states."""
    return Tickets()


@pytest.fixture
def messaging_settings() -> MessagingSettings:
    """Override it to limit what is posted."""
    return MessagingSettings()


@pytest.fixture
async def chat(
    core_settings: CoreSettings, messaging_settings: MessagingSettings, clock: MovableClock, *, hide_existence: bool
) -> AsyncIterator[Chat]:
    chat = Chat([core_settings, auth_settings(hide_existence=hide_existence), messaging_settings], clock)
    async with running_client(chat.app) as chat.client:
        yield chat
