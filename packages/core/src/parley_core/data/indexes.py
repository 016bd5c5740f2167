"""Indexes: every collection has one owner, and the indexes that it declares exist before the first request."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pymongo
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from parley_core.data.documents import Document
from parley_core.data.renames import rename_field
from parley_core.declarations import Declared
from parley_core.errors import StartupError

# IndexOptionsConflict and IndexKeySpecsConflict: the name or the keys exist with another definition.
_CHANGED_DEFINITION = {85, 86}
_BUILD_SECONDS = 600
# Contains the documents with events that aren't in the log yet, by the instant of the first of them.
_UNRELAYED = IndexModel([("history.0.at", 1)], name="unrelayed", partialFilterExpression={"history.0.rev": {"$gt": 0}})


@dataclass(frozen=True)
class CollectionIndexes:
    """A collection and its indexes.

    Args:
        collection: its name.
        indexes: each needs a name, so that a refusal can name it.
        recorded: whether its documents are written by `record` and `insert_recorded`, whose events the relay brings
            into the log.
        renamed: a field's name in an earlier release -> its name now, at the top of a document. Before the indexes are
            built, stored documents get the new name, and indexes over the old one are dropped: those over the new one
            need other names. A package of this project also raises the number of the stored format.
    """

    collection: str
    indexes: tuple[IndexModel, ...]
    recorded: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict, hash=False)


async def ensure_indexes(database: AsyncDatabase[Document], declared: Iterable[Declared[CollectionIndexes]]) -> None:
    """Rename fields and create the indexes that are missing; on large collections that takes longer than a request may.

    Raises:
        StartupError: MongoDB refused one; the message names plugin, collection and MongoDB's reason.
    """
    for declaration in declared:
        owned = declaration.value
        collection = database[owned.collection]
        for old, new in owned.renamed.items():
            with _refusing(declaration, f"field '{old}' of collection '{owned.collection}' can't be renamed"):
                await rename_field(collection, old, new)
        if indexes := [*owned.indexes, *([_UNRELAYED] if owned.recorded else [])]:
            with _refusing(declaration, f"an index of collection '{owned.collection}' can't be built"):
                await collection.create_indexes(indexes)


@contextmanager
def _refusing(declaration: Declared[CollectionIndexes], problem: str) -> Iterator[None]:
    try:
        with pymongo.timeout(_BUILD_SECONDS):
            yield
    except PyMongoError as error:
        raise StartupError(f"plugin '{declaration.plugin}': {problem}: {_reason(error)}") from error


def _reason(error: PyMongoError) -> str:
    if not isinstance(error, OperationFailure):
        return f"MongoDB did not answer ({type(error).__name__})"
    # What follows "dup key" is stored data.
    reason = str((error.details or {}).get("errmsg", "refused")).partition(" dup key:")[0]
    return f"{reason}; drop the old index to have it built anew" if error.code in _CHANGED_DEFINITION else reason
