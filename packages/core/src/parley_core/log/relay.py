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

from pymongo.errors import PyMongoError

from parley_core.background import kept_running
from parley_core.data.documents import Document
from parley_core.data.failures import is_ambiguous
from parley_core.data.handle import Database
from parley_core.data.unrelayed import Noted, Unit, Unrelayed
from parley_core.log.abandoned import LIMIT, Abandoned, Piece, piece_of
from parley_core.log.sources import Source, Waiting
from parley_core.log.writer import LogWriter
from parley_core.log_lines import LogLine
from parley_core.telemetry import METER, Living
from parley_core.waiting import end, is_set

# Writes that come within this time share a transaction.
_GATHER_SECONDS = 0.1
# What other processes have left lying is looked for this often, and taken when it lies there the next time too.
_LOOK_SECONDS = 1.0
_OUTAGE_SECONDS = 0.2
_FAREWELL_SECONDS = 1.0
_BACKLOG = Living[Unrelayed](
    "parley.relay.backlog",
    lambda unrelayed: unrelayed.size,
    unit="{event}",
    description="Events that the process has written and that aren't known to be in the log.",
)
_FAILURES = METER.create_counter(
    "parley.relay.failures", "{failure}", "Attempts to bring events into the log that failed."
)
_log = logging.getLogger("parley.relay")


class Relay:
    """Brings the events of one database into its log.

    Args:
        database: the application's own handle.
        writer: adds to the log.
        sources: where entries wait, by the name of the collection.
    """

    def __init__(self, database: Database, writer: LogWriter, sources: Mapping[str, Source]) -> None:
        self._generations, self._unrelayed = database.generations, database.unrelayed
        self._writer = writer
        self._sources = sources
        self._abandoned = Abandoned(sources)
        self._one_at_a_time = asyncio.Lock()
        self._over = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay during the block, and at its end what the process has written last."""
        await self._writer.prepare()
        task = asyncio.create_task(kept_running(self._run, "the relay"))
        with _BACKLOG.counting(self._unrelayed):
            try:
                yield
            finally:
                self._over.set()
                self._unrelayed.wake()
                await asyncio.wait([task], timeout=_FAREWELL_SECONDS)
                await end(task)

    async def drain(self) -> None:
        """Bring everything that waits now into the log, whoever wrote it."""
        await self._relay(self._unrelayed.noted())
        for source in self._sources.values():
            piece: Piece = {}
            while (found := piece_of(await source.look(limit=LIMIT, newest=False))) != piece:
                piece = found
                await self._relay(_all_of(piece))

    async def _run(self) -> None:
        now = asyncio.get_running_loop().time
        # Apart from each other, so that not all workers look at the same moment.
        next_look = now() + _LOOK_SECONDS * random.random()  # noqa: S311 - no secret depends on it
        while not self._over.is_set():
            await self._gather(next_look - now())
            try:
                await self._relay(self._unrelayed.noted())
                if self._abandoned.is_any:
                    await self._relay(_all_of(await self._abandoned.next_piece()))
                if now() >= next_look:
                    await self._abandoned.look()
                    next_look = now() + _LOOK_SECONDS
            except PyMongoError as error:
                _FAILURES.add(1, {"cause": "database"})
                _log.warning(
                    LogLine(
                        "relay_paused",
                        "the relay goes on in a moment: the database failed ({error})",
                        error=type(error).__name__,
                    )
                )
                await asyncio.sleep(_OUTAGE_SECONDS)

    async def _gather(self, seconds: float) -> None:
        """Wait until there is something to do, and a moment longer for what comes with it."""
        if self._abandoned.is_any:
            await asyncio.sleep(0)
            return
        await self._unrelayed.wait(max(0, seconds))
        await is_set(self._over, _GATHER_SECONDS)

    async def _relay(self, wanted: Mapping[Unit, Noted]) -> None:
        """Bring what waits in these units into the log; a unit that can't be read keeps nobody else's from it."""
        try:
            await self._relay_together(wanted)
        except Exception as error:
            if is_ambiguous(error) and isinstance(error, PyMongoError):
                raise
            if len(wanted) > 1:
                for unit, noted in wanted.items():
                    await self._relay({unit: noted})
                return
            [(unit, noted)] = wanted.items()
            _FAILURES.add(1, {"cause": "event"})
            _log.exception(
                LogLine(
                    "relay_stuck",
                    "events of {subject} in {collection} can't be brought into the log, and stay there",
                    subject=str(unit.key),
                    collection=unit.collection,
                )
            )
            # The next look finds it again.
            self._unrelayed.settle(unit, noted, None)

    async def _relay_together(self, wanted: Mapping[Unit, Noted]) -> None:
        """Bring what waits in these units into the log, as far as its writers are done with it."""
        async with self._one_at_a_time:
            loaded = await self._load(wanted)
            ready = {waiting.unit: self._ready(waiting, wanted[waiting.unit]) for waiting in loaded}
            taken = [waiting.first(ready[waiting.unit]) for waiting in loaded if ready[waiting.unit]]
            await self._writer.add(_in_order(taken))
            await self._advance_generations(taken)
            await self._remove(taken)
            left = {waiting.unit: _left(waiting, ready[waiting.unit]) for waiting in loaded}
            for unit, asked in wanted.items():
                self._unrelayed.settle(unit, asked, left.get(unit))

    async def _load(self, units: Iterable[Unit]) -> list[Waiting]:
        by_collection: dict[str, list[str]] = defaultdict(list)
        for unit in units:
            by_collection[unit.collection].append(unit.key)
        loads = [await self._sources[name].load(keys) for name, keys in by_collection.items()]
        return [waiting for loaded in loads for waiting in loaded]

    def _ready(self, waiting: Waiting, noted: Noted) -> int:
        """Return how many of the unit's entries are ready: up to one that a living writer may not be done with."""
        if noted.takes_all:
            return len(waiting.entries)
        for number, entry in enumerate(waiting.entries):
            if entry["rev"] not in noted.revs and self._generations.invalidated_by_others(entry):
                return number
        return len(waiting.entries)

    async def _advance_generations(self, taken: Sequence[Waiting]) -> None:
        """Advance what the entries invalidate, unless it is known that their writer has done so."""
        noted = self._unrelayed.noted()
        keys: set[str] = set()
        for waiting in taken:
            advanced = noted[waiting.unit].revs if waiting.unit in noted else set()
            keys.update(
                *(self._generations.invalidated_by_others(e) for e in waiting.entries if e["rev"] not in advanced)
            )
        await self._generations.advance(keys)

    async def _remove(self, taken: Sequence[Waiting]) -> None:
        by_collection: dict[str, list[Waiting]] = defaultdict(list)
        for waiting in taken:
            by_collection[waiting.unit.collection].append(waiting)
        for name, done in by_collection.items():
            await self._sources[name].remove(done)


def _all_of(piece: Piece) -> Mapping[Unit, Noted]:
    return dict.fromkeys(piece, Noted(takes_all=True))


def _left(waiting: Waiting, ready: int) -> int | None:
    """Return the first revision that still waits once the ready entries are in the log; None for none."""
    if ready < len(waiting.entries):
        return int(waiting.entries[ready]["rev"])
    if waiting.is_all:
        return None
    return int(waiting.entries[-1]["rev"]) + 1 if waiting.entries else 0


def _in_order(taken: Sequence[Waiting]) -> list[Document]:
    """Return all entries by their instants, those of one unit by `rev` though a clock may have gone back."""
    placed = []
    for number, waiting in enumerate(taken):
        latest = waiting.entries[0]["at"]
        for entry in waiting.entries:
            latest = max(latest, entry["at"])
            placed.append((latest, number, entry["rev"], entry))
    return [entry for *_, entry in sorted(placed, key=lambda place: place[:3])]
