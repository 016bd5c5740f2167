"""One state of a database, read while others go on writing."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from bson import Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from parley_core.backup.layout import Described
from parley_core.data.documents import Document
from parley_core.log_lines import LogLine

STAGED = "parley_restore."
"""What the names of collections begin with that a restore has not finished."""
WINDOW_SECONDS = 3600
_WINDOW = "minSnapshotHistoryWindowInSeconds"
_log = logging.getLogger("parley.backup")


class Snapshot:
    """A state of a database.

    Args:
        database: the database.
        session: reads all that is read at one instant.
        at: that instant in the cluster's time.
    """

    def __init__(self, database: AsyncDatabase[Document], session: AsyncClientSession, at: Timestamp) -> None:
        self._database = database
        self._session = session
        self.at = at

    async def batches(self, one: Described) -> AsyncIterator[bytes]:
        """Yield all documents of a collection as BSON, many at once; those of a capped one are as they are now."""
        session = self._session if one.is_in_snapshots else None
        cursor = self._database[one.source].find_raw_batches({}, session=session)
        async for batch in cast("AsyncIterator[bytes]", cursor):
            yield batch

    async def all_of(self, collection: str) -> Sequence[Document]:
        """Return all documents of a small collection."""
        return await self._database[collection].find({}, session=self._session).to_list()


@asynccontextmanager
async def snapshot_of(database: AsyncDatabase[Document], collection: str) -> AsyncIterator[Snapshot]:
    """Take a snapshot; MongoDB keeps it for as long as its setting `minSnapshotHistoryWindowInSeconds` says.

    Args:
        database: the database.
        collection: one that exists; MongoDB says of no other which instant it reads.
    """
    async with database.client.start_session(snapshot=True) as session:
        # The first read decides which state all others see.
        first = await database.command({"find": collection, "limit": 1}, session=session)
        yield Snapshot(database, session, first["cursor"]["atClusterTime"])


@asynccontextmanager
async def long_window(client: AsyncMongoClient[Document]) -> AsyncIterator[None]:
    """Have the server keep snapshots for an hour during the block; its user must be allowed to say so."""
    before = (await client.admin.command({"setParameter": 1, _WINDOW: WINDOW_SECONDS}))["was"]
    try:
        yield
    finally:
        try:
            await client.admin.command({"setParameter": 1, _WINDOW: before})
        except PyMongoError as error:
            text = "{parameter} stays {seconds} until MongoDB is restarted ({error})"
            line = LogLine(
                "snapshot_window_kept", text, parameter=_WINDOW, seconds=WINDOW_SECONDS, error=type(error).__name__
            )
            _log.warning(line)


async def describe(database: AsyncDatabase[Document]) -> list[Described]:
    """Return the collections and views as they are now, by name; what a restore has not finished is left out."""
    found = [one async for one in await database.list_collections()]
    return [
        await _described(database, one)
        for one in sorted(found, key=lambda one: str(one["name"]))
        if not one["name"].startswith(("system.", STAGED))
    ]


async def _described(database: AsyncDatabase[Document], found: Mapping[str, Any]) -> Described:
    name, kind, uuid = found["name"], found["type"], found["info"].get("uuid")
    indexes = [] if kind == "view" else await _indexes(database, name)
    return Described(name, kind, found["options"], indexes, uuid.hex() if uuid else "")


async def _indexes(database: AsyncDatabase[Document], name: str) -> list[Document]:
    try:
        return [dict(index) async for index in await database[name].list_indexes()]
    except OperationFailure as error:
        if error.code == _NAMESPACE_NOT_FOUND:  # it was dropped meanwhile
            return []
        raise


_NAMESPACE_NOT_FOUND = 26
