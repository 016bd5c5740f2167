"""The relay: it brings recorded and emitted events into the log, each once, in dense order (docs/decisions/0019).

Every worker runs one, without a leader or a lease. It takes what its own process has written as soon as the writer is
done, and what somebody else has left lying for a second. One transaction adds entries under the next positions; a
fence, one document that each such transaction changes, makes any two of them conflict. Then the entries are removed
from where they waited. A crash anywhere is repaired by doing the same again.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from parley_core.data.deadline import time_limit
from parley_core.data.documents import Document, Session
from parley_core.data.handle import Database
from parley_core.data.log import EVENTS, FENCE, FENCE_ID, EventLog
from parley_core.data.relay_sources import Source, Waiting
from parley_core.data.unrelayed import Noted, Unit
from parley_core.waiting import end

# Writes that come within this time share a transaction.
_GATHER_SECONDS = 0.05
# What other processes have left lying is looked for this often, and taken when it lies there the next time too.
_LOOK_SECONDS = 1.0
_LOOK_LIMIT = 500
_BACKLOG_UNITS = 500
_LARGEST = 1000
_OUTAGE_SECONDS = 0.2
_TRANSACTION_SECONDS = 10
_log = logging.getLogger("parley.relay")


class Relay:
    """Brings the events of one database into its log.

    Args:
        database: the application's own handle.
        log: woken when it has grown.
        sources: where entries wait, by the name of the collection.
    """

    def __init__(self, database: Database, log: EventLog, sources: Mapping[str, Source]) -> None:
        self._database = database
        self._log = log
        self._sources = sources
        self._events, self._fence = database[EVENTS], database[FENCE]
        self._left_lying: dict[Unit, int] = {}
        self._has_backlog: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay during the block."""
        await self._fence.update_one({"_id": FENCE_ID}, {"$setOnInsert": {"position": 0}}, upsert=True)
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            await end(task)

    async def drain(self) -> None:
        """Bring everything that waits now into the log, whoever wrote it."""
        await self._relay(self._database.unrelayed.noted())
        for source in self._sources.values():
            while found := await source.look(limit=_BACKLOG_UNITS, newest=False):
                await self._relay(dict.fromkeys(found, Noted(takes_all=True)))

    async def _run(self) -> None:
        now = asyncio.get_running_loop().time
        # Apart from each other, so that not all workers look at the same moment.
        next_look = now() + _LOOK_SECONDS * random.random()  # noqa: S311 - no secret depends on it
        while True:
            await self._gather(next_look - now())
            try:
                await self._relay(self._database.unrelayed.noted())
                await self._relay_backlog()
                if now() >= next_look:
                    await self._look()
                    next_look = now() + _LOOK_SECONDS
            except PyMongoError as error:
                _log.warning("the relay goes on in a moment: the database failed (%s)", type(error).__name__)
                await asyncio.sleep(_OUTAGE_SECONDS)
            except Exception:  # noqa: BLE001 - reported, and no failure may end the relay for good
                _log.exception("the relay failed and tries again; until then events wait where they were written")
                await asyncio.sleep(_LOOK_SECONDS)

    async def _gather(self, seconds: float) -> None:
        """Wait until there is something to do, and a moment longer for what comes with it."""
        if self._has_backlog:
            await asyncio.sleep(0)
            return
        await self._database.unrelayed.wait(max(0, seconds))
        await asyncio.sleep(_GATHER_SECONDS)

    async def _look(self) -> None:
        """Take what lies where it lay a second ago: whoever wrote it doesn't come back for it."""
        found: dict[Unit, int] = {}
        for name, source in self._sources.items():
            found |= (newest := await source.look(limit=_LOOK_LIMIT, newest=True))
            self._has_backlog.update({name} if len(newest) == _LOOK_LIMIT else ())
        abandoned = [unit for unit, rev in found.items() if self._left_lying.get(unit) == rev]
        self._left_lying = found
        await self._relay(dict.fromkeys(abandoned, Noted(takes_all=True)))

    async def _relay_backlog(self) -> None:
        """Take a piece of what has been waiting longest, where more waits than any live worker leaves lying."""
        for name in list(self._has_backlog):
            found = await self._sources[name].look(limit=_BACKLOG_UNITS, newest=False)
            await self._relay(dict.fromkeys(found, Noted(takes_all=True)))
            if len(found) < _BACKLOG_UNITS:
                self._has_backlog.discard(name)

    async def _relay(self, wanted: Mapping[Unit, Noted]) -> None:
        """Bring what waits in these units into the log, as far as its writers are done with it."""
        async with self._one_at_a_time:
            loaded = await self._load(wanted)
            taken = [ready for waiting in loaded if (ready := _ready(waiting, wanted[waiting.unit])).entries]
            for entries in _chunks(_in_order(taken), _LARGEST):
                await self._append(entries)
            await self._advance_generations(taken)
            await self._remove(taken)
            self._forget(wanted, loaded)

    async def _load(self, units: Iterable[Unit]) -> list[Waiting]:
        found: list[Waiting] = []
        for name, keys in _by_collection(units).items():
            found += await self._sources[name].load(keys)
        return found

    async def _append(self, entries: Sequence[Document]) -> None:
        async def append(session: Session) -> int:
            ids = [entry["_id"] for entry in entries]
            present = {d["_id"] async for d in self._events.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)}
            missing = [entry for entry in entries if entry["_id"] not in present]
            if missing:
                first = await self._reserve(len(missing), session)
                placed = [{"position": place, **entry} for place, entry in enumerate(missing, first)]
                await self._events.insert_many(placed, session=session)
            return len(missing)

        with time_limit(_TRANSACTION_SECONDS):
            async with self._database.client.start_session() as session:
                added = await session.with_transaction(append, read_concern=ReadConcern("snapshot"))
        if added:
            self._log.grew()

    async def _reserve(self, count: int, session: Session) -> int:
        """Change the fence, with which any other relay's transaction then conflicts; return the first new position."""
        after = await self._fence.find_one_and_update(
            {"_id": FENCE_ID},
            {"$inc": {"position": count}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return _position(after) - count + 1

    async def _advance_generations(self, taken: Sequence[Waiting]) -> None:
        """Advance what the entries invalidate, unless it is known that their writer has done so."""
        noted = self._database.unrelayed.noted()
        keys: set[str] = set()
        for waiting in taken:
            advanced = noted[waiting.unit].revs if waiting.unit in noted else set()
            keys.update(*(self._invalidated_by(e) for e in waiting.entries if e["rev"] not in advanced))
        await self._database.generations.advance(keys)

    def _invalidated_by(self, entry: Document) -> set[str]:
        try:
            return self._database.generations.invalidated_by([entry])
        except Exception:  # noqa: BLE001 - reported; a plugin's wrong rule must not keep events from the log
            _log.exception("an invalidation rule failed for event %s (%s)", entry["_id"], entry["type"])
            return set()

    async def _remove(self, taken: Sequence[Waiting]) -> None:
        by_collection: dict[str, list[Waiting]] = defaultdict(list)
        for waiting in taken:
            by_collection[waiting.unit.collection].append(waiting)
        for name, done in by_collection.items():
            await self._sources[name].remove(done)

    def _forget(self, wanted: Mapping[Unit, Noted], loaded: Sequence[Waiting]) -> None:
        """Forget what was noted of entries that are in the log now, by whomever they were brought there."""
        left = {waiting.unit: waiting for waiting in loaded}
        for unit, noted in wanted.items():
            done = _done(left[unit], noted) if unit in left else noted
            self._database.unrelayed.forget(unit, done)
            if noted.takes_all and not done.takes_all:
                # A long history is taken over piece by piece.
                self._database.unrelayed.note_unknown(unit)


def _by_collection(units: Iterable[Unit]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for unit in units:
        found[unit.collection].append(unit.key)
    return found


def _ready(waiting: Waiting, noted: Noted) -> Waiting:
    """Return the first entries of a unit, up to one whose writer isn't done with it."""
    if noted.takes_all:
        return waiting
    ready = 0
    for entry in waiting.entries:
        if entry["rev"] not in noted.revs:
            break
        ready += 1
    return Waiting(waiting.unit, waiting.entries[:ready])


def _done(waiting: Waiting, noted: Noted) -> Noted:
    """Return what of a note is done, once the unit's ready entries are in the log; earlier ones were there before."""
    ready = len(_ready(waiting, noted).entries)
    following = waiting.entries[ready]["rev"] if ready < len(waiting.entries) else waiting.entries[-1]["rev"] + 1
    return Noted({rev for rev in noted.revs if rev < following}, takes_all=noted.takes_all and waiting.is_all)


def _in_order(taken: Sequence[Waiting]) -> list[Document]:
    """Return all entries by their instants, those of one unit by `rev` though a clock may have gone back."""
    placed = []
    for number, waiting in enumerate(taken):
        latest = waiting.entries[0]["at"]
        for entry in waiting.entries:
            latest = max(latest, entry["at"])
            placed.append((latest, number, entry["rev"], entry))
    return [entry for *_, entry in sorted(placed, key=lambda place: place[:3])]


def _position(fence: Mapping[str, Any] | None) -> int:
    return int(fence["position"]) if fence else 0


def _chunks(entries: Sequence[Document], size: int) -> Iterable[Sequence[Document]]:
    rest = iter(entries)
    while chunk := list(islice(rest, size)):
        yield chunk
