"""Queries that point reads share: what is asked while one is under way goes out together, in the next one.

One command serves the reads of all collections: for the driver it costs what a command for one of them does.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from parley_core.data.documents import Document
from parley_core.data.turns import PointRead, Turn
from parley_core.telemetry import METER, only_trace

MAX_BATCH = 200
# Turns of the event loop before a query is sent: requests whose bytes came together are read together. Measured with
# cached reads of three kinds: up to a fifth more requests a second for microseconds of delay.
_TURNS = 3
# No read waits longer for the query before its own: that one's connection may be lost, which takes seconds to notice.
_SLOW_SECONDS = 0.05
# Queries of one database that others go on beside, at most: one that hangs as a whole isn't asked ever more.
_SLOW_AT_ONCE = 2
_SOURCE = "_source"
_SIZES = METER.create_histogram(
    "parley.reads.batch.size",
    "{read}",
    "Reads by id that shared a query.",
    explicit_bucket_boundaries_advisory=(1, 2, 4, 8, 16, 32, 64, 128),
)


@dataclass(eq=False, slots=True)
class Source:
    """A collection, and what is read of each of its documents."""

    collection: AsyncCollection[Document]
    projection: Mapping[str, Any] | Callable[[], Mapping[str, Any]]

    def present_projection(self) -> Mapping[str, Any]:
        """Return what the next query reads."""
        return self.projection() if callable(self.projection) else self.projection


Waiting = dict[tuple[Source, str], list[PointRead]]
Wanted = dict[Source, dict[str, list[PointRead]]]


class SharedQueries:
    """Answers the point reads of one database."""

    def __init__(self) -> None:
        self._waiting: Waiting = {}
        self._runner: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._slow: set[asyncio.Task[None] | None] = set()

    @classmethod
    def of(cls, database: AsyncDatabase[Document]) -> "SharedQueries":
        """Return the one of a database's handle: a handle belongs to one client, and that to one event loop."""
        found: SharedQueries = vars(database).setdefault("_parley_shared_queries", cls())
        return found

    def ask(self, turn: Turn, key: tuple[Source, str]) -> PointRead:
        """Return a read that the next query answers.

        Args:
            turn: the turn that it belongs to.
            key: the source, and the id of the document.
        """
        loop, read = asyncio.get_running_loop(), PointRead(turn)
        if self._runner is None:
            self._start(loop)
        elif not self._waiting:
            self._set_alarm(loop)
        self._waiting.setdefault(key, []).append(read)
        return read

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        # The trace alone: the first caller's timeout is not that of those who share its query.
        self._runner = loop.create_task(self._run(loop), context=only_trace())

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        runner = self._runner
        try:
            while self._waiting and self._runner is runner:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                await _answer(self._next_batch(loop))
        finally:
            self._slow.discard(runner)
            if self._runner is runner:
                self._runner = None
                self._stop_alarm()
                _fail(self._waiting.values(), asyncio.CancelledError())
                self._waiting.clear()

    def _stop_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    def _set_alarm(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = loop.call_later(_SLOW_SECONDS, self._go_on_beside, loop)

    def _go_on_beside(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the reads that wait answered by another runner, while the present one waits for its query."""
        if len(self._slow) == _SLOW_AT_ONCE:
            self._set_alarm(loop)
            return
        self._slow.add(self._runner)
        self._start(loop)

    def _next_batch(self, loop: asyncio.AbstractEventLoop) -> Wanted:
        self._stop_alarm()
        batch, self._waiting = self._waiting, {}
        if len(batch) > MAX_BATCH:
            self._set_alarm(loop)
            self._waiting = dict(islice(batch.items(), MAX_BATCH, None))
        wanted: Wanted = {}
        for (source, document_id), reads in islice(batch.items(), MAX_BATCH):
            wanted.setdefault(source, {})[document_id] = reads
        return wanted


async def _answer(wanted: Wanted) -> None:
    try:
        found = await _documents(wanted)
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait for it
        if len(wanted) > 1 and isinstance(error, OperationFailure) and not error.timeout:
            # One source's reads must not fail for what is wrong with another's.
            await asyncio.gather(*(_answer({source: by_id}) for source, by_id in wanted.items()))
        else:
            _fail(_reads_of(wanted), error)
        return
    except BaseException:
        _fail(_reads_of(wanted), asyncio.CancelledError())
        raise
    for (source, by_id), documents in zip(wanted.items(), found, strict=True):
        _SIZES.record(sum(map(len, by_id.values())), {"db.collection.name": source.collection.name})
        for document_id, reads in by_id.items():
            for read in reads:
                read.fulfil(documents.get(document_id))


async def _documents(wanted: Wanted) -> list[dict[str, Document]]:
    """Return the documents of each source by their ids."""
    first, *others = wanted
    # Room for all documents and the end, so that there is no second command.
    size = sum(map(len, wanted.values())) + 1
    if not others:
        which = {"_id": {"$in": list(wanted[first])}}
        cursor = first.collection.find(which, first.present_projection(), batch_size=size)
        return [{document["_id"]: document for document in await cursor.to_list()}]
    found: list[dict[str, Document]] = [{} for _ in wanted]
    together = await first.collection.aggregate(_pipeline(wanted), batchSize=size)
    for document in await together.to_list():
        found[document.pop(_SOURCE)][document["_id"]] = document
    return found


def _pipeline(wanted: Wanted) -> list[dict[str, Any]]:
    """Return what reads the documents of several sources, each with the number of its source."""
    (_, pipeline), *others = (
        (source.collection.name, _stages(number, source, list(ids)))
        for number, (source, ids) in enumerate(wanted.items())
    )
    return pipeline + [{"$unionWith": {"coll": name, "pipeline": stages}} for name, stages in others]


def _stages(number: int, source: Source, ids: list[str]) -> list[dict[str, Any]]:
    shown = {**source.present_projection(), _SOURCE: {"$literal": number}}
    return [{"$match": {"_id": {"$in": ids}}}, {"$project": shown}]


def _reads_of(wanted: Wanted) -> list[list[PointRead]]:
    return list(chain.from_iterable(by_id.values() for by_id in wanted.values()))


def _fail(waiting: Iterable[list[PointRead]], error: BaseException) -> None:
    for read in chain.from_iterable(waiting):
        read.fulfil(None, error)
