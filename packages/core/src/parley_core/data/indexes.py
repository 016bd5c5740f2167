"""Indexes: every collection has one owner, and the indexes that it declares exist before the first request."""

from collections.abc import Iterable
from dataclasses import dataclass

import pymongo
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from parley_core.data.documents import Document
from parley_core.declarations import Declared
from parley_core.errors import StartupError

# IndexOptionsConflict and IndexKeySpecsConflict: the name or the keys exist with another definition.
_CHANGED_DEFINITION = {85, 86}
_BUILD_SECONDS = 600


@dataclass(frozen=True)
class CollectionIndexes:
    """The indexes of one collection; each model needs a name, so that a refusal can name it."""

    collection: str
    indexes: tuple[IndexModel, ...]


async def ensure_indexes(database: AsyncDatabase[Document], declared: Iterable[Declared[CollectionIndexes]]) -> None:
    """Create the indexes that are missing; on large collections that takes longer than a request may.

    Raises:
        StartupError: MongoDB refused one; the message names plugin, collection and MongoDB's reason.
    """
    for declaration in declared:
        owned = declaration.value
        if not owned.indexes:
            continue
        try:
            with pymongo.timeout(_BUILD_SECONDS):
                await database[owned.collection].create_indexes(list(owned.indexes))
        except PyMongoError as error:
            raise StartupError(
                f"plugin '{declaration.plugin}': an index of collection '{owned.collection}' can't be built: "
                f"{_reason(error)}"
            ) from error


def _reason(error: PyMongoError) -> str:
    if not isinstance(error, OperationFailure):
        return f"MongoDB did not answer ({type(error).__name__})"
    # What follows "dup key" is stored data.
    reason = str((error.details or {}).get("errmsg", "refused")).partition(" dup key:")[0]
    return f"{reason}; drop the old index to have it built anew" if error.code in _CHANGED_DEFINITION else reason
