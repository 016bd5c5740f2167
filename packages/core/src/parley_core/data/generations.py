"""Generations: counters in MongoDB that say whether a cached list may still be used, the same to every worker.

A reader captures the generation before its query and stores under it; a writer advances it after its write and
before its answer. So what is stored under the present generation holds every acknowledged write.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from parley_core.data.events import EventCatalogue
from parley_core.data.point_reads import PointReader

GENERATIONS = "cache_generations"
# A write that failed without an answer may still land; what it outdates is advanced until no stored answer is older.
_AGAIN_AFTER = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LONGEST_DELAY_OF_THE_ANSWER = 0.25
_RECENT = 20


@dataclass(frozen=True)
class Source:
    """The document that a write was for, whose history tells whom its latest changes concerned."""

    collection: AsyncCollection[dict[str, Any]]
    document_id: object

    async def entries(self) -> list[Mapping[str, Any]]:
        """The latest entries of the document's history."""
        found = await self.collection.find_one({"_id": self.document_id}, {"history": {"$slice": -_RECENT}})
        return list(found["history"]) if found else []


class Generations:
    """The generations of one application's database, advanced as the invalidation rules of all plugins say."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], events: EventCatalogue) -> None:
        self._counters = database[GENERATIONS]
        self._reader = PointReader(self._counters, {"n": True})
        self._rules = events.invalidations
        self._tasks: set[asyncio.Task[None]] = set()

    async def current(self, key: str) -> int:
        """The generation of `key` now; 0 when nothing was outdated yet."""
        found = await self._reader.read(key)
        return int(found["n"]) if found else 0

    def outdated_by(self, entry: Mapping[str, Any]) -> set[str]:
        """The keys that a recorded event outdates."""
        return {key for rule in self._rules.get(entry["type"], ()) for key in rule.keys(entry)}

    async def advance(self, keys: Iterable[str], session: AsyncClientSession | None = None) -> None:
        """Raises the generations of these keys, even when the caller is cancelled meanwhile."""
        await asyncio.shield(self._started(self._write(set(keys), session)))

    async def _write(self, keys: set[str], session: AsyncClientSession | None = None) -> None:
        if steps := [UpdateOne({"_id": key}, {"$inc": {"n": 1}}, upsert=True) for key in sorted(keys)]:
            await self._counters.bulk_write(steps, ordered=False, session=session)

    def _started(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def pursue(self, keys: Iterable[str], source: Source | None = None) -> None:
        """Advances what a write without an answer may have outdated, and again until any cached answer has expired.

        The first time is waited for, briefly: the caller's own time is over.

        Args:
            keys: what is known to be outdated.
            source: the document whose latest events tell the rest.
        """
        # An empty context, for the caller's timeout would end the work at once.
        task = self._started(self._pursue(set(keys), source, done_once := asyncio.Event()), Context())
        waiter = asyncio.ensure_future(done_once.wait())
        await asyncio.wait({task, waiter}, timeout=_LONGEST_DELAY_OF_THE_ANSWER, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()

    async def _pursue(self, keys: set[str], source: Source | None, done_once: asyncio.Event) -> None:
        for delay in _AGAIN_AFTER:
            await asyncio.sleep(delay)
            try:
                told = [key for entry in await source.entries() for key in self.outdated_by(entry)] if source else []
                await self._write(keys.union(told))
            except PyMongoError:
                continue
            done_once.set()

    async def close(self) -> None:
        """Ends what is still being pursued."""
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class RecordedDatabase(AsyncDatabase[dict[str, Any]]):
    """The database of an application: recorded writes to its collections advance its generations."""

    generations: Generations
