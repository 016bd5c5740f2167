"""Making a backup while the application runs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from bson import Timestamp
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, OperationFailure

from parley_core.backup.archive import ArchiveWriter
from parley_core.backup.draft import draft_of
from parley_core.backup.layout import Described, documents_path, key_path, metadata_of, metadata_path
from parley_core.backup.manifest import NAME, ClusterTime, Manifest
from parley_core.backup.progress import Progress
from parley_core.backup.schemas import SchemaNumbers, numbers_of
from parley_core.backup.snapshot import Snapshot, describe, snapshot_of
from parley_core.data.documents import Document
from parley_core.data.schema_numbers import SCHEMA
from parley_core.data.stored_format import FORMAT, refuse_unfinished
from parley_core.errors import StartupError

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.5
_SNAPSHOT_TOO_OLD, _SNAPSHOT_UNAVAILABLE = 239, 246
_TOO_OLD = (
    "MongoDB no longer has the state that the backup began with: it keeps one for minSnapshotHistoryWindowInSeconds, "
    "by default 300. Raise that for the time of the backup, as an administrator: "
    "db.adminCommand({setParameter: 1, minSnapshotHistoryWindowInSeconds: 3600}). Or use mongodump --oplog, or a "
    "snapshot of the disk"
)


@dataclass(frozen=True)
class Contents:
    """What a backup has besides the documents.

    Args:
        packages: plugin -> version of its package.
        keys: name of a key file -> its content.
    """

    packages: Mapping[str, str]
    keys: Mapping[str, bytes]


@dataclass(frozen=True)
class _State:
    at: Timestamp
    documents: Mapping[str, int]
    numbers: SchemaNumbers


class _Changed(Exception):
    """Collections or indexes have changed since the snapshot was taken."""


async def back_up(
    database: AsyncDatabase[Document], path: Path, contents: Contents, say: Callable[[str], None]
) -> Manifest:
    """Write a backup of one state of a database into a new file.

    Args:
        database: of a client without a timeout.
        path: the file.
        contents: what it has besides.
        say: called with a line now and then.

    Returns: its manifest.

    Raises:
        StartupError: there is nothing to back up, the file can't be written, or MongoDB failed.
    """
    with draft_of(path) as file:
        for _ in range(_ATTEMPTS):
            try:
                return await _written(database, file, contents, say)
            except _Changed:
                say("Collections or indexes were created meanwhile: beginning again.")
                await asyncio.sleep(_PAUSE_SECONDS)
    raise StartupError("collections or indexes were created again and again meanwhile: repeat the backup")


async def _written(
    database: AsyncDatabase[Document], file: BinaryIO, contents: Contents, say: Callable[[str], None]
) -> Manifest:
    created_at = datetime.now(UTC)
    archive = ArchiveWriter(file, modified=round(created_at.timestamp()))
    async with _failures():
        collections = await _described(database)
        state = await _add_documents(archive, database, collections, Progress(say))
        # Equal before the snapshot was taken and now, they were so in between: none is missing, and none was dropped.
        if await describe(database) != collections:
            raise _Changed
        server_version = (await database.client.server_info())["version"]
    _add_small_files(archive, database.name, collections, contents.keys)
    manifest = Manifest(
        created_at=created_at,
        cluster_time=ClusterTime(t=state.at.time, i=state.at.inc),
        database=database.name,
        server_version=server_version,
        packages=dict(contents.packages),
        schema_numbers=dict(state.numbers.at),
        needed_numbers=dict(state.numbers.needed),
        documents=dict(state.documents),
        keys=tuple(contents.keys),
        files=archive.files,
    )
    archive.add(NAME, manifest.model_dump_json(indent=2).encode())
    archive.seal()
    return manifest


def _add_small_files(
    archive: ArchiveWriter, database: str, collections: Sequence[Described], keys: Mapping[str, bytes]
) -> None:
    for one in collections:
        archive.add(metadata_path(database, one.name), metadata_of(one))
    for name, content in keys.items():
        archive.add(key_path(name), content)


async def _described(database: AsyncDatabase[Document]) -> list[Described]:
    await refuse_unfinished(database)
    collections = await describe(database)
    if not any(one.is_in_snapshots for one in collections):
        raise StartupError(f"database '{database.name}' has no collections: does PARLEY_MONGODB_DATABASE name it?")
    return collections


async def _add_documents(
    archive: ArchiveWriter, database: AsyncDatabase[Document], collections: Sequence[Described], progress: Progress
) -> _State:
    stored = [one for one in collections if one.has_documents]
    first = next(one for one in stored if one.is_in_snapshots)
    async with snapshot_of(database, first.source) as snapshot:
        documents = {one.name: await _add(archive, database.name, one, snapshot, progress) for one in stored}
        numbers = numbers_of(await snapshot.all_of(FORMAT), await snapshot.all_of(SCHEMA))
        return _State(snapshot.at, documents, numbers)


async def _add(archive: ArchiveWriter, database: str, one: Described, snapshot: Snapshot, progress: Progress) -> int:
    """Add the documents of a collection; return their number."""
    count = 0
    with archive.member(documents_path(database, one.name)) as member:
        async for batch in snapshot.batches(one):
            member.write(batch)
            count += _documents_in(batch)
            progress.note(one.name, count, member.size)
    progress.finish(one.name, count, member.size)
    return count


def _documents_in(batch: bytes) -> int:
    count, at = 0, 0
    while at < len(batch):
        at += int.from_bytes(batch[at : at + 4], "little")
        count += 1
    return count


@asynccontextmanager
async def _failures() -> AsyncIterator[None]:
    try:
        yield
    except ConnectionFailure as error:
        raise StartupError(f"MongoDB did not answer ({type(error).__name__}): repeat the backup") from error
    except OperationFailure as error:
        if error.code == _SNAPSHOT_UNAVAILABLE:
            raise _Changed from error
        if error.code == _SNAPSHOT_TOO_OLD:
            raise StartupError(_TOO_OLD) from error
        raise StartupError(f"MongoDB refused to be read (code {error.code}): repeat the backup") from error
