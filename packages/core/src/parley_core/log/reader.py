"""The log: every recorded change and every emitted event of an application, once, in the order of its commit.

`position` is dense: 1, 2, 3 and so on, and an entry is visible only after all entries before it (decision 19).
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import IndexModel

from parley_core.data.documents import Document
from parley_core.data.handle import Database
from parley_core.data.indexes import CollectionIndexes
from parley_core.data.point_reads import PointReader
from parley_core.waiting import end, fail, fulfil, is_set, within

EVENTS = "events"
FENCE, FENCE_ID = "events_fence", "events"
# How often the head is read while somebody waits; what this process relays wakes at once.
_POLL_SECONDS = 0.2

INDEXES = CollectionIndexes(
    EVENTS,
    (
        IndexModel("position", name="position", unique=True),
        IndexModel([("kind", 1), ("subject_id", 1), ("rev", 1)], name="revision", unique=True),
        IndexModel([("subject_id", 1), ("position", 1)], name="subject"),
        IndexModel([("actor", 1), ("position", 1)], name="actor"),
        IndexModel([("type", 1), ("position", 1)], name="type"),
        IndexModel([("audience", 1), ("position", 1)], name="audience"),
        IndexModel([("at", 1), ("position", 1)], name="time"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One event in the log.

    Args:
        position: its place in the log, 1 for the first.
        kind: what kind of thing it happened to, like `interview`.
        subject_id: the thing.
        rev: the thing's revision after the event, dense for each thing.
        type: the event type's name.
        at: the instant.
        actor: who did it; None for the system.
        actor_role: their stored role.
        request_id: the request in which it happened.
        reason: the actor's own words.
        changes: field -> `{"from": ..., "to": ...}`.
        audience: the ids of the users concerned, before and after.
    """

    position: int
    kind: str
    subject_id: str
    rev: int
    type: str
    at: datetime
    actor: str | None
    actor_role: str
    request_id: str
    reason: str | None
    changes: Mapping[str, Any]
    audience: tuple[str, ...]

    @property
    def id(self) -> str:
        """The event's id, the same for ever and in every delivery."""
        return id_of(self.kind, self.subject_id, self.rev)


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """Which entries are wanted; all that is given must hold.

    Args:
        types: names of event types; none are all.
        subject_id: the thing that the events happened to.
        actor: who did it.
        since: the earliest instant.
        until: the first instant that is too late.
    """

    types: tuple[str, ...] = ()
    subject_id: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def condition(self) -> Document:
        """Return the filter as MongoDB's; every value is compared, never interpreted."""
        at = {"$gte": self.since, "$lt": self.until}
        wanted = {
            "type": {"$in": list(self.types)} if self.types else None,
            "subject_id": {"$eq": self.subject_id} if self.subject_id is not None else None,
            "actor": {"$eq": self.actor} if self.actor is not None else None,
            "at": {name: value for name, value in at.items() if value is not None} or None,
        }
        return {name: condition for name, condition in wanted.items() if condition is not None}


_ALL = LogFilter()


class EventLog:
    """Reads the log of one application."""

    def __init__(self, database: Database) -> None:
        self._events = database[EVENTS]
        self._fence = PointReader(database[FENCE], {"position": True})
        self._waiting: list[tuple[int, asyncio.Future[int]]] = []
        self._has_grown = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    async def head(self) -> int:
        """Return the position of the last entry; 0 when there is none."""
        found = await self._fence.read(FENCE_ID)
        return int(found["position"]) if found else 0

    async def after(self, position: int, *, limit: int, where: LogFilter = _ALL) -> list[LogEntry]:
        """Return the first `limit` entries after a position that meet `where`, in ascending order."""
        condition = {"position": {"$gt": position}, **where.condition()}
        found = self._events.find(condition).sort("position", 1).limit(limit)
        return [as_entry(document) for document in await found.to_list()]

    async def entry(self, position: int) -> LogEntry | None:
        """Return the entry at a position; None when there is none."""
        found = await self._events.find_one({"position": position})
        return as_entry(found) if found else None

    async def wait_beyond(self, position: int, *, seconds: float) -> int:
        """Wait until the log reaches beyond a position, on whatever worker it grows.

        Returns: the head; it isn't greater than `position` when the time is over.

        Raises:
            PyMongoError: the database didn't answer.
        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((position, future))
        self.grew()
        if self._watcher is None:
            self._watcher = asyncio.get_running_loop().create_task(self._watch(), context=Context())
        try:
            return await within(future, seconds)
        except TimeoutError:
            return position

    def grew(self) -> None:
        """Have the head read now for those who wait, since this process has added to the log."""
        self._has_grown.set()

    async def close(self) -> None:
        """Answer those who still wait as if their time were over."""
        if self._watcher:
            await end(self._watcher)

    async def _watch(self) -> None:
        try:
            while self._waiting:
                self._has_grown.clear()
                self._answer(await self.head())
                if self._waiting:
                    await is_set(self._has_grown, _POLL_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait
            fail([future for _, future in self._waiting], error)
            self._waiting.clear()
        finally:
            self._watcher = None
            for position, future in self._waiting:
                fulfil([future], position)

    def _answer(self, head: int) -> None:
        fulfil([future for position, future in self._waiting if position < head], head)
        self._waiting = [(position, future) for position, future in self._waiting if not future.done()]


def id_of(kind: str, subject_id: str, rev: int) -> str:
    """Return the id of an event."""
    return f"{kind}:{subject_id}:{rev}"


def as_entry(document: Mapping[str, Any]) -> LogEntry:
    """Return the entry of a stored event, with a default for each field that it may lack."""
    return LogEntry(
        position=document["position"],
        kind=document["kind"],
        subject_id=document["subject_id"],
        rev=document["rev"],
        type=document["type"],
        at=document["at"],
        actor=document.get("actor"),
        actor_role=document.get("actor_role", "unknown"),
        request_id=document.get("request_id", ""),
        reason=document.get("reason"),
        changes=document.get("changes", {}),
        audience=tuple(document.get("audience", ())),
    )
