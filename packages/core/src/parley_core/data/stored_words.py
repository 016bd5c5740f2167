"""Words that documents are found by, stored with them; those that an earlier release has spelt are completed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from parley_core.background import kept_running
from parley_core.data.deadline import time_limit
from parley_core.data.documents import Document
from parley_core.data.failures import DatabaseError
from parley_core.log_lines import LogLine
from parley_core.waiting import end
from parley_core.words import SPELLING

# So few that the loop's other work waits for milliseconds.
_BATCH = 100
_OUTAGE_SECONDS = 5.0
_CHECK_SECONDS = 3600
# A count of a million takes a third of a second.
_QUERY_SECONDS = 60
_log = logging.getLogger("parley.words")


class StoredWords:
    """The words of one collection's documents, and what else is stored beside a document to find and sort it by.

    Documents of an earlier release lack them or have them in its spelling: `SPELLING` isn't among them. That also goes
    for what a worker of an earlier release writes later, since it writes all words of a document anew.

    Args:
        collection: where the documents are.
        field: the array of their words.
        index: the name of an index that begins with this field.
        made_of: the fields that these are made of.
        derive: returns them, the field of the words among them, for a document that has those fields.
    """

    def __init__(
        self,
        collection: AsyncCollection[Document],
        *,
        field: str,
        index: str,
        made_of: Sequence[str],
        derive: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> None:
        self._collection = collection
        self._index = index
        self._made_of = made_of
        self._field = field
        self._derive = derive
        self.are_complete = False
        """Whether all documents had their words when that was looked at last."""

    @asynccontextmanager
    async def completing(self) -> AsyncIterator[None]:
        """Surround a running application; meanwhile complete the words, at once and then every hour.

        Several workers may do so at once. The next start goes on where this one was stopped.
        """
        task = asyncio.create_task(kept_running(self._keep_complete, f"the completion of {self._field}"))
        try:
            yield
        finally:
            await end(task)

    async def complete(self) -> None:
        """Give all documents their words; an outage of the database delays that."""
        completed = 0
        while True:
            try:
                completed += await self._complete_all()
            except DatabaseError as error:
                _log.warning(
                    LogLine(
                        "words_delayed",
                        "the words of {collection} wait: the database failed ({error})",
                        collection=self._name,
                        error=type(error).__name__,
                    )
                )
                await asyncio.sleep(_OUTAGE_SECONDS)
            else:
                break
        if completed:
            line = LogLine(
                "words_completed",
                "the words of {count} {collection} of an earlier release are complete",
                count=completed,
                collection=self._name,
            )
            _log.info(line)

    @property
    def _name(self) -> str:
        return self._collection.name

    async def _keep_complete(self) -> None:
        while True:
            try:
                await self.complete()
            except Exception:  # noqa: BLE001 - reported: what `q` doesn't find is no reason to stop
                _log.exception(
                    LogLine("words_failed", "the words of {collection} can't be completed now", collection=self._name)
                )
            await asyncio.sleep(_CHECK_SECONDS)

    async def _complete_all(self) -> int:
        completed = 0
        while not (complete := await self._all_have_them()) and (number := await self._walk()):
            completed += number
        self.are_complete = complete
        return completed

    async def _all_have_them(self) -> bool:
        with time_limit(_QUERY_SECONDS):
            # In this order, so that documents which are created meanwhile hide none that lacks them.
            having = await self._collection.count_documents({self._field: SPELLING}, hint=self._index)
            return having >= await self._collection.count_documents({}, hint="_id_")

    async def _walk(self) -> int:
        """Complete what lacks its words, in batches, from a random place on so that workers seldom do the same."""
        completed = 0
        for start in (await self._somewhere(), ""):
            after = start
            while batch := await self._lacking(after):
                completed += await self._write(batch)
                after = batch[-1]["_id"]
        return completed

    async def _somewhere(self) -> str:
        found = await (await self._collection.aggregate([{"$sample": {"size": 1}}, {"$project": {"_id": 1}}])).to_list()
        return str(found[0]["_id"]) if found else ""

    async def _lacking(self, after: str) -> list[Mapping[str, Any]]:
        where = {"_id": {"$gt": after}, self._field: {"$ne": SPELLING}}
        with time_limit(_QUERY_SECONDS):
            found = self._collection.find(where, dict.fromkeys(self._made_of, True)).sort("_id", 1).hint("_id_")
            return list(await found.limit(_BATCH).to_list())

    async def _write(self, batch: Sequence[Mapping[str, Any]]) -> int:
        """Write the words of documents, unless somebody else does so or changes meanwhile what they are made of."""
        steps = [
            UpdateOne(
                {
                    "_id": document["_id"],
                    **{name: {"$eq": document.get(name)} for name in self._made_of},
                    self._field: {"$ne": SPELLING},
                },
                {"$set": self._derive(document)},
            )
            for document in batch
        ]
        return (await self._collection.bulk_write(steps, ordered=False)).modified_count
