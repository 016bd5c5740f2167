"""Indexes: every collection has one owner, and the indexes that it declares exist before the first request."""

from collections.abc import Iterable
from dataclasses import dataclass

import pymongo
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from parley_core.data.documents import Document
from parley_core.data.failures import reason_of
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
        indexes: each needs a name, so that a refusal can name it. A changed one gets a new name, and a migration drops
            the one of the old name (`dropped_index`).
        recorded: whether its documents are written by `record` and `insert_recorded`, whose events the relay brings
            into the log.
    """

    collection: str
    indexes: tuple[IndexModel, ...]
    recorded: bool = False


async def ensure_indexes(database: AsyncDatabase[Document], declared: Iterable[Declared[CollectionIndexes]]) -> None:
    """Create the indexes that are missing; on large collections that takes longer than a request may.

    Raises:
        StartupError: MongoDB refused one; the message names plugin, collection and MongoDB's reason.
    """
    for declaration in declared:
        owned = declaration.value
        if indexes := [*owned.indexes, *([_UNRELAYED] if owned.recorded else [])]:
            try:
                with pymongo.timeout(_BUILD_SECONDS):
                    await database[owned.collection].create_indexes(indexes)
            except PyMongoError as error:
                problem = f"an index of collection '{owned.collection}' can't be built"
                raise StartupError(f"plugin '{declaration.plugin}': {problem}: {_reason(error)}") from error


def _reason(error: PyMongoError) -> str:
    is_changed = isinstance(error, OperationFailure) and error.code in _CHANGED_DEFINITION
    advice = "; give the changed index a new name, and drop the old one by a migration" if is_changed else ""
    return reason_of(error) + advice
