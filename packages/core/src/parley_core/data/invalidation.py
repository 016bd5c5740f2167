"""Invalidation: counters that say whether a cached list may still be used, advanced by every recorded write.

A reader captures the generation of a key before its query and stores under it; a writer advances it after its write and
before its answer. So what is stored under the present generation contains every acknowledged write, on any worker.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from parley_core.data.documents import Document, Session
from parley_core.data.events import Invalidation
from parley_core.data.failures import is_ambiguous
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


@dataclass
class _Transaction:
    """What the writes of a transaction invalidate, once it commits."""

    invalidated: list[tuple[Generations, set[str]]] = field(default_factory=list)


_transaction: ContextVar[_Transaction | None] = ContextVar("parley_transaction", default=None)


@dataclass
class _Write:
    """A recorded write that is under way; `entry` is set once it has succeeded."""

    entry: Mapping[str, Any] | None = None


@asynccontextmanager
async def invalidating(
    generations: Generations,
    collection: AsyncCollection[Document],
    document_id: object,
    *,
    entry: Mapping[str, Any] | None = None,
    session: Session | None = None,
) -> AsyncIterator[_Write]:
    """Surround one recorded write and invalidate what its event says before it is answered.

    Args:
        generations: those of the database that is written to.
        collection: where the write goes.
        document_id: the document.
        entry: the event as it will be recorded, where that is known before the write.
        session: the write's transaction, after whose commit the generations are advanced.
    """
    write = _Write()
    try:
        yield write
    except (PyMongoError, asyncio.CancelledError) as error:
        if session is None and is_ambiguous(error):
            known = generations.invalidated_by(entry) if entry else set()
            await generations.retry(known, Source(collection, document_id))
        raise
    if write.entry:
        await _advance(generations, generations.invalidated_by(write.entry), session)


async def _advance(generations: Generations, keys: set[str], session: Session | None) -> None:
    if session is not None and (transaction := _transaction.get()) is not None:
        transaction.invalidated.append((generations, keys))
        return
    try:
        await generations.advance(keys, session)
    except PyMongoError:
        await generations.retry(keys)
        raise


@asynccontextmanager
async def invalidating_transaction() -> AsyncIterator[None]:
    """Surround a whole transaction; its invalidations follow the commit, also one whose outcome is unknown."""
    with _collected() as transaction:
        try:
            yield
        except (PyMongoError, asyncio.CancelledError):
            for generations, keys in transaction.invalidated:
                await generations.retry(keys)
            raise
    for generations, keys in transaction.invalidated:
        await _advance(generations, keys, None)


@contextmanager
def _collected() -> Iterator[_Transaction]:
    token = _transaction.set(transaction := _Transaction())
    try:
        yield transaction
    finally:
        _transaction.reset(token)
