"""Generations: counters that say whether a cached list may still be used, advanced by every recorded write.

A reader captures the generation of a key before its query and stores under it; a writer advances it after its write and
before its answer. So what is stored under the present generation contains every acknowledged write, on any worker.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import Context
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import NetworkTimeout

from parley_core.data.deadline import remaining
from parley_core.data.documents import Document, Session
from parley_core.data.events import Invalidation
from parley_core.data.point_reads import PointReader
from parley_core.waiting import end, fail, fulfil, within

GENERATIONS = "cache_generations"


class Generations:
    """The generations of one application's database.

    Args:
        database: where the counters are stored.
        rules: the invalidation rules of all plugins, by the name of the event type.
    """

    def __init__(self, database: AsyncDatabase[Document], rules: Mapping[str, Sequence[Invalidation]]) -> None:
        self._counters = database[GENERATIONS]
        self._reader = PointReader(self._counters, {"n": True})
        self._rules = rules
        self._next_keys: set[str] = set()
        self._next_waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None

    async def current(self, key: str) -> int:
        """Return the generation of `key` now; 0 when nothing was invalidated yet."""
        found = await self._reader.read(key)
        return int(found["n"]) if found else 0

    def invalidated_by(self, entries: Iterable[Mapping[str, Any]]) -> set[str]:
        """Return the keys that recorded events invalidate."""
        return {key for entry in entries for rule in self._rules.get(entry["type"], ()) for key in rule.keys(entry)}

    async def advance(self, keys: Collection[str], session: Session | None = None) -> None:
        """Raise the generations of these keys.

        Without a transaction, those who ask while a write is under way share the next one: an answer
        that was stored under a lower number is invalid, by however much it is lower.

        Args:
            keys: the generations.
            session: a transaction, with which the counters grow.

        Raises:
            PyMongoError: it isn't known whether they have grown, or the caller's `pymongo.timeout` is over.
        """
        if session is not None:
            await self._write(keys, session)
        elif keys:
            await self._write_with_others(keys)

    async def _write_with_others(self, keys: Collection[str]) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next_keys.update(keys)
        self._next_waiting.append(future)
        if self._writer is None:
            # An empty context: the first caller's timeout is not that of those who share a write.
            self._writer = asyncio.get_running_loop().create_task(self._write_all(), context=Context())
        try:
            await within(future, remaining())
        except TimeoutError:
            raise NetworkTimeout("the request's time for database work is over") from None

    async def _write_all(self) -> None:
        try:
            while waiting := self._next_waiting:
                keys, self._next_keys, self._next_waiting = self._next_keys, set(), []
                try:
                    await self._write(keys)
                except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait for it
                    fail(waiting, error)
                except BaseException:
                    _cancel(waiting)
                    raise
                else:
                    fulfil(waiting, None)
        finally:
            self._writer = None

    async def _write(self, keys: Iterable[str], session: Session | None = None) -> None:
        if steps := [UpdateOne({"_id": key}, {"$inc": {"n": 1}}, upsert=True) for key in sorted(keys)]:
            await self._counters.bulk_write(steps, ordered=False, session=session)

    async def close(self) -> None:
        """Stop; whoever still waits doesn't learn whether the counters have grown."""
        if self._writer:
            await end(self._writer)
        _cancel(self._next_waiting)


def _cancel(waiting: Iterable["asyncio.Future[None]"]) -> None:
    for future in waiting:
        future.cancel()
