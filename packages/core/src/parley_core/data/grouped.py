"""Grouped writes: updates of single documents that come while a command is under way share the next one.

MongoDB says of such a command how many documents it has changed, and not which ones. So each of its statements is an
upsert that can't insert: the filter names the revision twice, and of such a filter MongoDB makes no document. Where a
statement finds its document, it changes that; where it finds none, it fails by itself, and MongoDB names it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, PyMongoError

from parley_core.data.batches import Batches, group_sizes
from parley_core.data.documents import Document
from parley_core.errors import Unavailable

# So many writes of one collection wait in one process at most; that is seconds of its work.
_WAITING = 5000
# How long a write waits whose caller has no deadline.
_PATIENCE_SECONDS = 10
# A document may be locked by a transaction, in the worst case by that of a dead worker: others don't wait for it.
_SLOW_SECONDS = 0.05
# NotSingleValueField: no document can be made of the filter.
_NOT_FOUND = 54
_SIZES = group_sizes("parley.writes.group.size", "{write}", "Changes of recorded documents that shared one command.")
Outcome = bool | Exception


class GroupedWrites:
    """Updates documents of one database, all of a collection that wait in one command.

    Args:
        database: where the documents are.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database
        self._batches: Batches[str, UpdateOne, bool] = Batches(
            self._settle,
            longest=_WAITING,
            patience=_PATIENCE_SECONDS,
            sizes=_SIZES,
            budget="writes_waiting",
            slow_seconds=_SLOW_SECONDS,
        )
        self._under_way: set[tuple[str, str]] = set()

    async def update(
        self, collection: str, document_id: str, rev: int, where: Mapping[str, Any], update: Mapping[str, Any]
    ) -> bool:
        """Update a document that is at the revision `rev` and meets `where`; return whether there is one.

        Raises:
            Unavailable: too many writes wait, or it isn't known whether this one was done.
            PyMongoError: MongoDB refused it, or it isn't known whether it was done.
        """
        condition = {"_id": document_id, "rev": rev, "$and": [{"rev": {"$eq": rev}}, where]}
        statement, key = UpdateOne(condition, update, upsert=True), (collection, document_id)
        if key in self._under_way:
            # Where its document is locked, it would hold up others too.
            return _result(*await self._settle(collection, [statement]))
        self._under_way.add(key)
        try:
            return await self._batches.submit(collection, statement)
        finally:
            self._under_way.discard(key)

    async def close(self) -> None:
        """Stop; those that wait are answered `Unavailable`."""
        await self._batches.close()

    async def _settle(self, collection: str, updates: Sequence[UpdateOne]) -> Sequence[Outcome]:
        # What failed as a whole may have been done in part, so that nothing is repeated.
        try:
            await self._database[collection].bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            return _outcomes(error, len(updates))
        except PyMongoError as error:
            return [error] * len(updates)
        return [True] * len(updates)


def _result(outcome: Outcome) -> bool:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _outcomes(error: BulkWriteError, number: int) -> Sequence[Outcome]:
    if error.details["writeConcernErrors"]:
        # They were done, and it isn't known whether a new primary has them.
        return [Unavailable() for _ in range(number)]
    outcomes: list[Outcome] = [True] * number
    for failed in error.details["writeErrors"]:
        outcomes[failed["index"]] = False if failed["code"] == _NOT_FOUND else error
    return outcomes
