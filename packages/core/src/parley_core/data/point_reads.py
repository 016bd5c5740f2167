"""Coalesced point reads: reads by `_id` that arrive while a query is in flight share the next one.

Nothing is remembered. Each read is answered by a query that was sent after the read was asked for, to the
primary, so that it sees every acknowledged write (docs/caching.md).
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from itertools import islice
from typing import Any

from pymongo import _csot
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import NetworkTimeout

MAX_BATCH = 100
# Turns of the event loop before a query is sent: requests whose bytes came together are read together. Measured with
# cached reads of three kinds: up to a fifth more requests a second for microseconds of delay.
_TURNS = 3
Waiting = dict[str, list["asyncio.Future[dict[str, Any] | None]"]]


class PointReader:
    """Reads documents of one collection by `_id`, under one projection that serves every reader.

    Args:
        collection: with the read concern and preference that the reads shall have; its client's `timeoutMS`
            bounds a shared query.
        projection: what is read of each document.
    """

    def __init__(self, collection: AsyncCollection[dict[str, Any]], projection: Mapping[str, Any]) -> None:
        self._collection = collection
        self._projection = dict(projection)
        self._waiting: Waiting = {}
        self._runner: asyncio.Task[None] | None = None

    async def read(self, document_id: str) -> dict[str, Any] | None:
        """The document, None when there is none; it may be shared with other readers and must not be changed.

        Raises:
            PyMongoError: the query that this read shared failed, or the caller's `pymongo.timeout` is over.
        """
        remaining = _csot.remaining()
        if remaining is not None and remaining <= 0:
            raise _timeout()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[dict[str, Any] | None] = loop.create_future()
        self._waiting.setdefault(document_id, []).append(future)
        if self._runner is None:
            # An empty context: the first caller's timeout is not that of those who share his query.
            self._runner = loop.create_task(self._run(), context=Context())
        if remaining is None:
            return await future
        alarm = loop.call_later(remaining, _expire, future)
        try:
            return await future
        finally:
            alarm.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                await self._answer(self._taken())
        finally:
            self._runner = None
            _cancel(self._waiting)

    def _taken(self) -> Waiting:
        if len(self._waiting) <= MAX_BATCH:
            batch, self._waiting = self._waiting, {}
            return batch
        return {document_id: self._waiting.pop(document_id) for document_id in list(islice(self._waiting, MAX_BATCH))}

    async def _answer(self, batch: Waiting) -> None:
        try:
            cursor = self._collection.find({"_id": {"$in": list(batch)}}, self._projection)
            found = {document["_id"]: document for document in await cursor.to_list()}
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait for it
            for future in _unanswered(batch):
                future.set_exception(error)
            return
        except BaseException:
            _cancel(batch)
            raise
        for document_id, futures in batch.items():
            document = found.get(document_id)
            for future in futures:
                if not future.done():
                    future.set_result(document)


def _unanswered(batch: Waiting) -> list["asyncio.Future[dict[str, Any] | None]"]:
    """Those who still wait; whoever was cancelled or ran out of time doesn't."""
    return [future for futures in batch.values() for future in futures if not future.done()]


def _cancel(batch: Waiting) -> None:
    for future in _unanswered(batch):
        future.cancel()
    batch.clear()


def _expire(future: "asyncio.Future[dict[str, Any] | None]") -> None:
    if not future.done():
        future.set_exception(_timeout())


def _timeout() -> NetworkTimeout:
    return NetworkTimeout("the request's time for database work is over")
