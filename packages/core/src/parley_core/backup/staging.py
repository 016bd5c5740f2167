"""Collections of a backup, loaded beside those that are used, until they take their places."""

from collections.abc import Iterable, Iterator, Sequence

from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from parley_core.backup.layout import Described
from parley_core.backup.progress import Progress
from parley_core.backup.snapshot import STAGED
from parley_core.data.documents import Document
from parley_core.errors import StartupError

_BATCH_BYTES = 8_000_000
_BATCH_DOCUMENTS = 10_000
_UNAUTHORIZED = 13


class Staging:
    """The collections of a backup under other names.

    Args:
        database: the database to restore into.
        progress: is told what is loaded.
    """

    def __init__(self, database: AsyncDatabase[Document], progress: Progress) -> None:
        self._database = database
        self._progress = progress

    async def clear(self) -> None:
        """Drop what this restore or an earlier one has left under these names."""
        for name in await self._database.list_collection_names():
            if name.startswith(STAGED):
                await self._database.drop_collection(name)

    async def load(self, described: Described, documents: Iterable[bytes]) -> None:
        """Create a collection with its options, load its documents and build its indexes."""
        name = staged_name(described)
        await self._database.command({"create": name, **described.options})
        await self._insert(described, documents)
        for index in described.own_indexes:
            await self._build(name, index)

    async def _build(self, name: str, index: Document) -> None:
        try:
            await self._database.command({"createIndexes": name, "indexes": [index]})
        except OperationFailure as error:
            # MongoDB's words may quote stored data.
            of = f"index '{index['name']}' of collection '{name.removeprefix(STAGED)}'"
            raise StartupError(f"{of} can't be built (code {error.code})") from error

    async def put_in_place(self, described: Described) -> None:
        """Give a collection its own name, in place of one that has it, at once."""
        if (name := staged_name(described)) != described.name:
            await self._database[name].rename(described.name, dropTarget=True)

    async def _insert(self, described: Described, documents: Iterable[bytes]) -> None:
        count = size = 0
        for batch in _batches(documents):
            await self._insert_batch(described, [RawBSONDocument(document) for document in batch])
            count, size = count + len(batch), size + sum(map(len, batch))
            self._progress.note(described.name, count, size)
        self._progress.finish(described.name, count, size)

    async def _insert_batch(self, described: Described, batch: Sequence[RawBSONDocument]) -> None:
        target = self._database[_source_of(described)]
        if "validator" in described.options:
            # Documents may be older than a rule that they break; not every user may say so.
            try:
                await target.insert_many(batch, ordered=False, bypass_document_validation=True)
            except OperationFailure as error:
                if error.code != _UNAUTHORIZED:
                    raise
            else:
                return
        await target.insert_many(batch, ordered=False)


def staged_name(described: Described) -> str:
    """Return the name under which a collection is loaded; a time series, which can't be renamed, has its own."""
    return described.name if described.kind == "timeseries" else f"{STAGED}{described.name}"


def _source_of(described: Described) -> str:
    return described.source if described.kind == "timeseries" else staged_name(described)


def _batches(documents: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for document in documents:
        if batch and (size + len(document) > _BATCH_BYTES or len(batch) >= _BATCH_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document)
    if batch:
        yield batch
