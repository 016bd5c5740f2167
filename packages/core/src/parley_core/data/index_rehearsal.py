"""Whether the indexes that are missing could be built, found out without building any."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pymongo import IndexModel
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from parley_core.data.documents import Document
from parley_core.data.handle import Database
from parley_core.data.indexes import CollectionIndexes, refusals_of, what_fails
from parley_core.declarations import Declared
from parley_core.errors import StartupError

# A transaction that makes a collection doesn't wait for others that change the catalogue at the same time.
_ATTEMPTS = 5
_OWN = "_id_"


async def rehearse_indexes(database: Database, declared: Iterable[Declared[CollectionIndexes]]) -> int:
    """Return how many indexes a start would build; nothing is stored.

    Raises:
        StartupError: `ensure_indexes` would raise it.
    """
    return sum([await _missing_of(database, declaration) for declaration in declared])


async def _missing_of(database: Database, declaration: Declared[CollectionIndexes]) -> int:
    owned = declaration.value
    with refusals_of(declaration):
        existing = [spec async for spec in await database[owned.collection].list_indexes() if spec["name"] != _OWN]
        wanted = [index.document for index in owned.all_indexes]
        if wanted:
            await _compare(database, existing, wanted)
        missing = [index for index in owned.all_indexes if index.document["name"] not in {s["name"] for s in existing}]
        for index in missing:
            if await _has_duplicates(database, owned.collection, index):
                name = index.document["name"]
                raise StartupError(f"{what_fails(declaration)}: '{name}' is unique, and documents have the same value")
    return len(missing)


async def _compare(database: Database, existing: Sequence[Mapping[str, Any]], wanted: Sequence[Document]) -> None:
    """Have MongoDB itself compare definitions: on an empty collection, in a transaction that is never committed.

    Raises:
        OperationFailure: the wanted ones can't be built beside those that exist.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            await _compare_once(database, [indexes for indexes in (existing, wanted) if indexes])
        except OperationFailure as error:
            if attempt == _ATTEMPTS or not error.has_error_label("TransientTransactionError"):
                raise
        else:
            return


async def _compare_once(database: Database, steps: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    name = f"rehearsal_{uuid.uuid4().hex}"
    async with database.client.start_session() as session:
        await session.start_transaction(read_concern=ReadConcern("local"))
        try:
            for indexes in steps:
                await database.command("createIndexes", name, indexes=indexes, session=session)
        finally:
            await session.abort_transaction()


async def _has_duplicates(database: Database, collection: str, index: IndexModel) -> bool:
    if not index.document.get("unique"):
        return False
    pipeline = list(_duplicates_of(index.document))
    options = {"collation": index.document["collation"]} if "collation" in index.document else {}
    async with await database[collection].aggregate(pipeline, allowDiskUse=True, **options) as found:
        return bool(await found.to_list(1))


def _duplicates_of(index: Document) -> Iterator[Document]:
    """Yield the pipeline that finds a value which two documents have: of an array each item is one."""
    paths = list(index["key"])
    yield {"$match": index.get("partialFilterExpression", {})}
    if index.get("sparse"):
        yield {"$match": {"$or": [{path: {"$exists": True}} for path in paths]}}
    fields = [f"k{number}" for number in range(len(paths))]
    yield {"$project": {field: f"${path}" for field, path in zip(fields, paths, strict=True)}}
    for field in fields:
        yield {"$unwind": {"path": f"${field}", "preserveNullAndEmptyArrays": True}}
    # What is absent is indexed as null.
    yield {"$group": {"_id": {"d": "$_id", **{field: {"$ifNull": [f"${field}", None]} for field in fields}}}}
    yield {"$group": {"_id": {field: f"$_id.{field}" for field in fields}, "n": {"$sum": 1}}}
    yield {"$match": {"n": {"$gt": 1}}}
    yield {"$limit": 1}
