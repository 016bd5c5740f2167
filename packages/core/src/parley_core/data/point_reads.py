"""Coalesced point reads: reads by `_id` that arrive while a query is in flight share the next one.

Nothing is remembered. Each read is answered by a query that was sent after the read was asked for, to the
primary, so that it sees every acknowledged write (docs/caching.md). A request can begin reads before it needs them,
in a `Turn`, so that all of them are under way together.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from itertools import chain, islice
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from parley_core.data.deadline import remaining, time_is_over
from parley_core.data.documents import Document
from parley_core.data.turns import PointRead, Turn, current_turn
from parley_core.telemetry import METER, only_trace

MAX_BATCH = 100
# Turns of the event loop before a query is sent: requests whose bytes came together are read together. Measured with
# cached reads of three kinds: up to a fifth more requests a second for microseconds of delay.
_TURNS = 3
# No read waits longer for the query before its own: that one's connection may be lost, which takes seconds to notice.
_SLOW_SECONDS = 0.05
# Queries of one reader that others go on beside, at most: a database that hangs as a whole isn't asked ever more.
_SLOW_AT_ONCE = 2
_SIZES = METER.create_histogram(
    "parley.reads.batch.size",
    "{read}",
    "Reads by id that shared a query.",
    explicit_bucket_boundaries_advisory=(1, 2, 4, 8, 16, 32, 64, 128),
)
Waiting = dict[str, list[PointRead]]


class PointReader:
    """Reads documents of one collection by `_id`, under one projection that serves every reader.

    Args:
        collection: with the read concern and preference that the reads need; its client's `timeoutMS`
            bounds a shared query.
        projection: what is read of each document; a function, where that depends on who waits for the query.
    """

    def __init__(
        self, collection: AsyncCollection[Document], projection: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    ) -> None:
        self._collection = collection
        self._projection = projection
        self._attributes = {"db.collection.name": collection.name}
        self._waiting: Waiting = {}
        self._runner: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._slow: set[asyncio.Task[None] | None] = set()

    def read(self, document_id: str) -> Coroutine[Any, Any, Document | None]:
        """Return the document, None when there is none; other readers may share it, so it must not be changed.

        Raises:
            PyMongoError: the query that this read shared failed, or the caller's `pymongo.timeout` is over.
        """
        turn = current_turn()
        begun = turn.begun.pop((self, document_id), None) if turn else None
        return begun.document() if begun else self._alone(document_id)

    def begin(self, document_id: str) -> None:
        """Send a read of which the request will need the answer: its next `read` of the document has it.

        Outside of a `Turn` nothing is begun.
        """
        if (turn := current_turn()) and (key := (self, document_id)) not in turn.begun:
            turn.begun[key] = self._ask(turn, document_id)

    async def _alone(self, document_id: str) -> Document | None:
        seconds = remaining()
        if seconds is not None and seconds <= 0:
            raise time_is_over()
        return await self._ask(Turn(), document_id).document()

    def _ask(self, turn: Turn, document_id: str) -> PointRead:
        loop, read = asyncio.get_running_loop(), PointRead(turn)
        if self._runner is None:
            self._start(loop)
        elif not self._waiting:
            self._set_alarm(loop)
        self._waiting.setdefault(document_id, []).append(read)
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
                await self._answer(self._next_batch(loop))
        finally:
            self._slow.discard(runner)
            if self._runner is runner:
                self._runner = None
                self._stop_alarm()
                _fail(self._waiting, asyncio.CancelledError())

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

    def _next_batch(self, loop: asyncio.AbstractEventLoop) -> Waiting:
        self._stop_alarm()
        if len(self._waiting) <= MAX_BATCH:
            batch, self._waiting = self._waiting, {}
            return batch
        self._set_alarm(loop)
        return {document_id: self._waiting.pop(document_id) for document_id in list(islice(self._waiting, MAX_BATCH))}

    async def _answer(self, batch: Waiting) -> None:
        _SIZES.record(sum(map(len, batch.values())), self._attributes)
        try:
            projection = self._projection() if callable(self._projection) else self._projection
            cursor = self._collection.find({"_id": {"$in": list(batch)}}, projection)
            found = {document["_id"]: document for document in await cursor.to_list()}
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait for it
            _fail(batch, error)
            return
        except BaseException:
            _fail(batch, asyncio.CancelledError())
            raise
        for document_id, reads in batch.items():
            for read in reads:
                read.fulfil(found.get(document_id))


def _fail(batch: Waiting, error: BaseException) -> None:
    for read in chain.from_iterable(batch.values()):
        read.fulfil(None, error)
    batch.clear()
