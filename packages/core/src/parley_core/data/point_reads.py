"""Coalesced point reads: reads by `_id` that arrive while a query is in flight share the next one.

Nothing is remembered. Each read is answered by a query that was sent after the read was asked for, to the
primary, so that it sees every acknowledged write (docs/caching.md).
"""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import Context
from itertools import chain, islice
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from parley_core.data.deadline import remaining, time_is_over
from parley_core.data.documents import Document
from parley_core.waiting import fail, fulfil, within

MAX_BATCH = 100
# Turns of the event loop before a query is sent: requests whose bytes came together are read together. Measured with
# cached reads of three kinds: up to a fifth more requests a second for microseconds of delay.
_TURNS = 3
Waiting = dict[str, list["asyncio.Future[Document | None]"]]


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
        self._waiting: Waiting = {}
        self._runner: asyncio.Task[None] | None = None

    async def read(self, document_id: str) -> Document | None:
        """Return the document, None when there is none; other readers may share it, so it must not be changed.

        Raises:
            PyMongoError: the query that this read shared failed, or the caller's `pymongo.timeout` is over.
        """
        seconds = remaining()
        if seconds is not None and seconds <= 0:
            raise time_is_over()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Document | None] = loop.create_future()
        self._waiting.setdefault(document_id, []).append(future)
        if self._runner is None:
            # An empty context: the first caller's timeout is not that of those who share its query.
            self._runner = loop.create_task(self._run(), context=Context())
        try:
            return await within(future, seconds)
        except TimeoutError:
            raise time_is_over() from None

    async def _run(self) -> None:
        try:
            while self._waiting:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                await self._answer(self._next_batch())
        finally:
            self._runner = None
            _cancel(self._waiting)

    def _next_batch(self) -> Waiting:
        if len(self._waiting) <= MAX_BATCH:
            batch, self._waiting = self._waiting, {}
            return batch
        return {document_id: self._waiting.pop(document_id) for document_id in list(islice(self._waiting, MAX_BATCH))}

    async def _answer(self, batch: Waiting) -> None:
        try:
            projection = self._projection() if callable(self._projection) else self._projection
            cursor = self._collection.find({"_id": {"$in": list(batch)}}, projection)
            found = {document["_id"]: document for document in await cursor.to_list()}
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait for it
            fail(list(chain.from_iterable(batch.values())), error)
            return
        except BaseException:
            _cancel(batch)
            raise
        for document_id, futures in batch.items():
            fulfil(futures, found.get(document_id))


def _cancel(batch: Waiting) -> None:
    for future in chain.from_iterable(batch.values()):
        future.cancel()
    batch.clear()
