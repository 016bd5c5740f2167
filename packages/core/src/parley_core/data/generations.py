"""Generations: counters in MongoDB that say whether a cached list may still be used, the same to every worker.

A reader captures the generation before its query and stores under it; a writer advances it after its write and
before its answer. So what is stored under the present generation contains every acknowledged write.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from parley_core.data.documents import Document, Session
from parley_core.data.events import Invalidation
from parley_core.data.point_reads import PointReader

GENERATIONS = "cache_generations"
# A write that failed without an answer may still land; its keys are advanced until no stored answer is older.
_RETRY_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_MAX_ANSWER_DELAY = 0.25
_RECENT = 20


@dataclass(frozen=True)
class Source:
    """The document that a write was for; the end of its history names those whom its latest changes concerned."""

    collection: AsyncCollection[Document]
    document_id: object

    async def entries(self) -> list[Mapping[str, Any]]:
        """Return the latest entries of the document's history."""
        found = await self.collection.find_one({"_id": self.document_id}, {"history": {"$slice": -_RECENT}})
        return list(found["history"]) if found else []


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
        self._tasks: set[asyncio.Task[None]] = set()

    async def current(self, key: str) -> int:
        """Return the generation of `key` now; 0 when nothing was invalidated yet."""
        found = await self._reader.read(key)
        return int(found["n"]) if found else 0

    def invalidated_by(self, entry: Mapping[str, Any]) -> set[str]:
        """Return the keys that a recorded event invalidates."""
        return {key for rule in self._rules.get(entry["type"], ()) for key in rule.keys(entry)}

    async def advance(self, keys: Iterable[str], session: Session | None = None) -> None:
        """Raise the generations of these keys by one, even when the caller is cancelled meanwhile."""
        await asyncio.shield(self._start(self._write(set(keys), session)))

    async def _write(self, keys: set[str], session: Session | None = None) -> None:
        if steps := [UpdateOne({"_id": key}, {"$inc": {"n": 1}}, upsert=True) for key in sorted(keys)]:
            await self._counters.bulk_write(steps, ordered=False, session=session)

    def _start(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def retry(self, keys: Iterable[str], source: Source | None = None) -> None:
        """Advance what a write without an answer may have invalidated, until every cached answer has expired.

        The first attempt is waited for, briefly: the caller's own time is over.

        Args:
            keys: what is known to be invalid.
            source: the document whose latest events name the rest.
        """
        # An empty context, since the caller's timeout would end the work at once.
        task = self._start(self._retry(set(keys), source, done_once := asyncio.Event()), Context())
        waiter = asyncio.ensure_future(done_once.wait())
        await asyncio.wait({task, waiter}, timeout=_MAX_ANSWER_DELAY, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()

    async def _retry(self, keys: set[str], source: Source | None, done_once: asyncio.Event) -> None:
        for delay in _RETRY_SECONDS:
            await asyncio.sleep(delay)
            try:
                recent = await source.entries() if source else []
                await self._write(keys.union(*map(self.invalidated_by, recent)))
            except PyMongoError:
                continue
            done_once.set()

    async def close(self) -> None:
        """End the retries that are under way."""
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
