"""What surrounds every recorded write, so that none is answered before its invalidations are done."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from parley_core.data.documents import Document, Session
from parley_core.data.failures import is_ambiguous
from parley_core.data.generations import Generations, Source


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
