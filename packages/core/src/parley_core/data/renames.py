"""Renamed fields: what an earlier release stored gets the new name before the indexes over it are built."""

import pymongo
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from parley_core.data.documents import Document

_INDEX_NOT_FOUND = 27


async def rename_field(collection: AsyncCollection[Document], old: str, new: str) -> None:
    """Give every document that has the field `old` the field `new` instead, and drop the indexes over `old`.

    It may run in several processes at once, and may be repeated after it ended anywhere. In the end an index contains
    the documents that have `old`, which are none, so that the next start looks at no document, whatever their number:
    only at what a process of the earlier release wrote after the others had been renamed.
    """
    remaining = IndexModel([(old, pymongo.ASCENDING)], name=f"renamed_{old}", partialFilterExpression=_having(old))
    # Before the first document is renamed: to a unique index all that lack the field have the same value.
    for name, index in (await collection.index_information()).items():
        if name != remaining.document["name"] and old in dict(index["key"]):
            await _drop(collection, name)
    # The first time there is no such index yet: to maintain it would take longer than to look at every document.
    await collection.update_many(_having(old), {"$rename": {old: new}})
    await collection.create_indexes([remaining])


def _having(field: str) -> Document:
    return {field: {"$exists": True}}


async def _drop(collection: AsyncCollection[Document], name: str) -> None:
    try:
        await collection.drop_index(name)
    except OperationFailure as error:
        # Another process that starts has dropped it.
        if error.code != _INDEX_NOT_FOUND:
            raise
