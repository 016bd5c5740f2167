"""Adding to the log: positions are handed out by a transaction, and any two such transactions conflict."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from parley_core.clock import Clock
from parley_core.data.deadline import time_limit
from parley_core.data.documents import Document, Session
from parley_core.data.handle import Database
from parley_core.log.reader import EVENTS, FENCE, FENCE_ID, EventLog
from parley_core.telemetry import METER

_LARGEST = 1000
_TRANSACTION_SECONDS = 10
_LAG = METER.create_histogram(
    "parley.relay.lag",
    "s",
    "From a write to its event in the log.",
    explicit_bucket_boundaries_advisory=(0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)


class LogWriter:
    """Adds entries to the log of one application.

    Args:
        database: the application's own handle.
        log: woken when it has grown.
        clock: returns the time, by which events were written.
    """

    def __init__(self, database: Database, log: EventLog, clock: Clock) -> None:
        self._client = database.client
        self._log = log
        self._clock = clock
        self._events, self._fence = database[EVENTS], database[FENCE]

    async def prepare(self) -> None:
        """Create the fence, which a transaction then never has to create, where the log ends."""
        last = await self._events.find_one({}, {"position": True}, sort=[("position", -1)])
        await self._fence.update_one({"_id": FENCE_ID}, {"$max": {"position": _position(last)}}, upsert=True)

    async def add(self, entries: Iterable[Document]) -> None:
        """Add those entries that aren't in the log yet, in the given order, under the next positions."""
        for chunk in _chunks(entries, _LARGEST):
            with time_limit(_TRANSACTION_SECONDS):
                try:
                    await self._add(chunk)
                except BulkWriteError:
                    # Another relay has added some. Or a position is taken: the fence was removed, or restored without
                    # the log.
                    await self.prepare()
                    await self._add(chunk, only_missing=True)

    async def _add(self, entries: Sequence[Document], *, only_missing: bool = False) -> None:
        async def add(session: Session) -> Sequence[Document]:
            missing = await self._missing(entries, session) if only_missing else entries
            if missing:
                first = await self._reserve(len(missing), session)
                placed = [{"position": place, **entry} for place, entry in enumerate(missing, first)]
                await self._events.insert_many(placed, session=session)
            return missing

        async with self._client.start_session() as session:
            added = await session.with_transaction(add, read_concern=ReadConcern("snapshot"))
        if added:
            self._log.grew()
        now = self._clock()
        for entry in added:
            _LAG.record(max(0, (now - entry["at"]).total_seconds()))

    async def _missing(self, entries: Sequence[Document], session: Session) -> Sequence[Document]:
        ids = [entry["_id"] for entry in entries]
        present = {d["_id"] async for d in self._events.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)}
        return [entry for entry in entries if entry["_id"] not in present]

    async def _reserve(self, count: int, session: Session) -> int:
        """Change the fence, with which any other such transaction then conflicts; return the first new position."""
        after = await self._fence.find_one_and_update(
            {"_id": FENCE_ID},
            {"$inc": {"position": count}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return _position(after) - count + 1


def _position(document: Mapping[str, Any] | None) -> int:
    return int(document["position"]) if document else 0


def _chunks(entries: Iterable[Document], size: int) -> Iterator[Sequence[Document]]:
    rest = iter(entries)
    while chunk := list(islice(rest, size)):
        yield chunk
