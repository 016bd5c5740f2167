"""What most migrations do, as the `batch` of a `Migration`; each may be repeated and run in several processes."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from parley_core.data.documents import Document
from parley_core.data.handle import Database
from parley_core.data.migrations import Batch

# So few that a live writer of one of them waits for milliseconds.
_BATCH = 500
_NOT_FOUND = {26, 27}  # the collection, the index


def backfilled(
    collection: str, where: Mapping[str, Any], change: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> Batch:
    """Return a batch that changes the documents of a collection which still need it, some at a time, by their ids.

    A recorded document's `rev` stays as it is: what its readers are shown must not change.

    Args:
        collection: the name of the collection.
        where: the condition that a document needs the change. It isn't met afterwards, and it is asked again by the
            write, so that what others have written meanwhile is left alone.
        change: an update, or a pipeline that makes the new fields of the old ones.
    """

    async def batch(database: Database, cursor: Any) -> Any:
        documents, after = database[collection], {} if cursor is None else {"_id": {"$gt": cursor}}
        found = await documents.find({"$and": [after, where]}, {"_id": 1}).sort("_id", 1).limit(_BATCH).to_list()
        if not found:
            return None
        ids = [document["_id"] for document in found]
        await documents.update_many({"$and": [{"_id": {"$in": ids}}, where]}, change)
        return ids[-1]

    return batch


def dropped_index(collection: str, name: str) -> Batch:
    """Return a batch that drops an index, where there is one."""

    async def batch(database: Database, _: Any) -> None:
        await _drop(database[collection], name)

    return batch


def renamed_field(collection: str, old: str, new: str) -> Batch:
    """Return a batch that gives every document which has the field `old` the field `new` instead.

    Indexes over `old` are dropped: those over `new` need other names. Releases that know the old name alone neither
    find the field nor write it to where this one looks.
    """

    async def batch(database: Database, _: Any) -> None:
        documents = database[collection]
        over_old = [i for i in (await documents.index_information()).items() if old in dict(i[1]["key"])]
        # Before the first document is renamed: to a unique index all that lack the field have the same value.
        for name in (name for name, index in over_old if index.get("unique")):
            await _drop(documents, name)
        await documents.update_many({old: {"$exists": True}}, {"$rename": {old: new}})
        for name, _index in over_old:
            await _drop(documents, name)

    return batch


async def _drop(collection: AsyncCollection[Document], name: str) -> None:
    try:
        await collection.drop_index(name)
    except OperationFailure as error:
        # Another process has dropped it.
        if error.code not in _NOT_FOUND:
            raise
