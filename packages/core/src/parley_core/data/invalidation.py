"""What surrounds every recorded write, so that none is answered before what it outdates has been advanced."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import ConnectionFailure, PyMongoError

from parley_core.data.generations import Generations, RecordedDatabase, Source


@dataclass
class _Transaction:
    """What the writes of a transaction outdate, once it commits."""

    outdated: list[tuple[Generations, set[str]]] = field(default_factory=list)


_transaction: ContextVar[_Transaction | None] = ContextVar("parley_transaction", default=None)


@dataclass
class _Write:
    """A recorded write that is under way; `entry` is set once it has succeeded."""

    entry: Mapping[str, Any] | None = None


@asynccontextmanager
async def outdating(
    collection: AsyncCollection[dict[str, Any]],
    document_id: object,
    entry: Mapping[str, Any] | None,
    session: AsyncClientSession | None,
) -> AsyncIterator[_Write]:
    """Surrounds one recorded write and sees to it that what it outdates is advanced before it is answered.

    Args:
        collection: where the write goes; one of a database that isn't an application's outdates nothing.
        document_id: the document.
        entry: the event as it will be recorded, where that is known before the write.
        session: the write's transaction, after whose commit the generations are advanced.
    """
    write, database = _Write(), collection.database
    if not isinstance(database, RecordedDatabase):
        yield write
        return
    try:
        yield write
    except (PyMongoError, asyncio.CancelledError) as error:
        if session is None and is_ambiguous(error):
            known = database.generations.outdated_by(entry) if entry else set()
            await database.generations.pursue(known, Source(collection, document_id))
        raise
    if write.entry:
        await _advance(database.generations, database.generations.outdated_by(write.entry), session)


async def _advance(generations: Generations, keys: set[str], session: AsyncClientSession | None) -> None:
    if session is not None and (transaction := _transaction.get()) is not None:
        transaction.outdated.append((generations, keys))
        return
    try:
        await generations.advance(keys, session)
    except PyMongoError:
        await generations.pursue(keys)
        raise


@asynccontextmanager
async def outdating_transaction() -> AsyncIterator[None]:
    """Surrounds a whole transaction; what its writes outdate is advanced after the commit, also after one in doubt."""
    with _collected() as transaction:
        try:
            yield
        except (PyMongoError, asyncio.CancelledError):
            for generations, keys in transaction.outdated:
                await generations.pursue(keys)
            raise
    for generations, keys in transaction.outdated:
        await _advance(generations, keys, None)


@contextmanager
def _collected() -> Iterator[_Transaction]:
    token = _transaction.set(transaction := _Transaction())
    try:
        yield transaction
    finally:
        _transaction.reset(token)


def is_ambiguous(error: BaseException) -> bool:
    """Whether a write that failed like this may have happened nevertheless."""
    if not isinstance(error, PyMongoError):
        return True
    return isinstance(error, ConnectionFailure) or error.timeout or error.has_error_label("RetryableWriteError")
