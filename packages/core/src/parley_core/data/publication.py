"""What follows a recorded write: what its events invalidate is advanced before the answer, and the relay is woken.

A write whose outcome nobody knows, or whose generations couldn't be advanced, is left to the relay: it advances the
generations of every entry of which it doesn't know that its writer has done so.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from pymongo.errors import PyMongoError

from parley_core.data.documents import Session
from parley_core.data.failures import is_ambiguous, is_unavailable
from parley_core.data.handle import Database
from parley_core.data.unrelayed import Unit
from parley_core.errors import Unavailable

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """Entries that a write has added to a unit."""

    database: Database
    unit: Unit
    entries: Sequence[Entry]


@dataclass
class Transaction:
    """What the writes of the present attempt of a transaction have added."""

    written: list[Written] = field(default_factory=list)


_transaction: ContextVar[Transaction | None] = ContextVar("parley_transaction", default=None)
_published: ContextVar[list[Written] | None] = ContextVar("parley_published", default=None)


@contextmanager
def noting_publications() -> Iterator[Sequence[object]]:
    """Yield a list that grows with each write of the block whose generations are advanced."""
    published: list[Written] = []
    token = _published.set(published)
    try:
        yield published
    finally:
        _published.reset(token)


@asynccontextmanager
async def publishing(database: Database, unit: Unit, session: Session | None) -> AsyncIterator[list[Entry]]:
    """Surround one write that adds entries to a unit; put them, as the log will have them, into the list it yields.

    What they invalidate is invalid when the block is left, in a transaction after its commit.

    Args:
        database: the application's handle.
        unit: where the entries wait for the relay.
        session: the write's transaction.
    """
    entries: list[Entry] = []
    try:
        yield entries
    except (PyMongoError, Unavailable, asyncio.CancelledError) as error:
        if session is None and is_ambiguous(error):
            database.unrelayed.note_unknown(unit)
        raise
    if entries:
        written = [Written(database, unit, entries)]
        await (_publish(written) if session is None else publish_after_commit(written, session))


async def publish_after_commit(all_written: Sequence[Written], session: Session) -> None:
    """Have what was written in a transaction invalidate what it does after the commit.

    Args:
        all_written: what one command has written, in one database.
        session: the transaction.
    """
    if (transaction := _transaction.get()) is not None:
        transaction.written += all_written
    elif all_written:
        # A transaction of the caller's own, of whose commit nobody tells: the counters advance with it.
        generations = all_written[0].database.generations
        await generations.advance(generations.invalidated_by(chain(*(w.entries for w in all_written))), session)


@asynccontextmanager
async def publishing_transaction() -> AsyncIterator[Transaction]:
    """Surround a whole transaction; what its writes invalidate follows the commit, also one of unknown outcome."""
    with _collected() as transaction:
        try:
            yield transaction
        except (PyMongoError, asyncio.CancelledError):
            for written in transaction.written:
                written.database.unrelayed.note_unknown(written.unit)
            raise
    if all_written := transaction.written:
        await _publish(all_written)


@contextmanager
def _collected() -> Iterator[Transaction]:
    token = _transaction.set(transaction := Transaction())
    try:
        yield transaction
    finally:
        _transaction.reset(token)


async def _publish(all_written: Sequence[Written]) -> None:
    keys: dict[Database, set[str]] = {}
    for written in all_written:
        keys.setdefault(written.database, set()).update(written.database.generations.invalidated_by(written.entries))
    try:
        for database, invalidated in keys.items():
            await database.generations.advance(invalidated)
    except (PyMongoError, asyncio.CancelledError) as error:
        for written in all_written:
            written.database.unrelayed.note_unknown(written.unit)
        if isinstance(error, PyMongoError) and not is_unavailable(error):
            # The write is stored: whoever takes this for a refusal of it would write once more.
            raise Unavailable from error
        raise
    for written in all_written:
        written.database.unrelayed.note(written.unit, [entry["rev"] for entry in written.entries])
    if (published := _published.get()) is not None:
        published += all_written
