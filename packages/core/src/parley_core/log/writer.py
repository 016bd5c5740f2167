"""Adding to the log: positions are handed out by a transaction, and any two such transactions conflict."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from parley_core.data.deadline import time_limit
from parley_core.data.documents import Document, Session
from parley_core.data.handle import Database
from parley_core.log.reader import EVENTS, FENCE, FENCE_ID, EventLog

_LARGEST = 1000
_TRANSACTION_SECONDS = 10


class LogWriter:
    """Adds entries to the log of one application.

    Args:
        database: the application's own handle.
        log: woken when it has grown.
    """

    def __init__(self, database: Database, log: EventLog) -> None:
        self._client = database.client
        self._log = log
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
        async def add(session: Session) -> int:
            missing = await self._missing(entries, session) if only_missing else entries
            if missing:
                first = await self._reserve(len(missing), session)
                placed = [{"position": place, **entry} for place, entry in enumerate(missing, first)]
                await self._events.insert_many(placed, session=session)
            return len(missing)

        async with self._client.start_session() as session:
            added = await session.with_transaction(add, read_concern=ReadConcern("snapshot"))
        if added:
            self._log.grew()

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
