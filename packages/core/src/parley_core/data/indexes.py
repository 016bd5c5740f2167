"""Indexes: every collection has one owner, and the indexes that it declares exist before the first request."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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

    @property
    def all_indexes(self) -> list[IndexModel]:
        """The declared indexes, and the relay's where it reads the collection."""
        return [*self.indexes, *([_UNRELAYED] if self.recorded else [])]


async def ensure_indexes(database: AsyncDatabase[Document], declared: Iterable[Declared[CollectionIndexes]]) -> None:
    """Create the indexes that are missing; on large collections that takes longer than a request may.

    Raises:
        StartupError: MongoDB refused one; the message names plugin, collection and MongoDB's reason.
    """
    for declaration in declared:
        owned = declaration.value
        if owned.all_indexes:
            with refusals_of(declaration):
                await database[owned.collection].create_indexes(owned.all_indexes)


@contextmanager
def refusals_of(declaration: Declared[CollectionIndexes]) -> Iterator[None]:
    """Bound the time of what is done for a collection's indexes.

    Raises:
        StartupError: MongoDB refused it; the message names plugin, collection and MongoDB's reason.
    """
    try:
        with pymongo.timeout(_BUILD_SECONDS):
            yield
    except PyMongoError as error:
        raise StartupError(f"{what_fails(declaration)}: {_reason(error)}") from error


def what_fails(declaration: Declared[CollectionIndexes]) -> str:
    """Return the beginning of a message about an index that can't be built."""
    collection = declaration.value.collection
    return f"plugin '{declaration.plugin}': an index of collection '{collection}' can't be built"


def _reason(error: PyMongoError) -> str:
    is_changed = isinstance(error, OperationFailure) and error.code in _CHANGED_DEFINITION
    advice = "; give the changed index a new name, and drop the old one by a migration" if is_changed else ""
    return reason_of(error) + advice
