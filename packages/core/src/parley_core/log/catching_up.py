"""Catching up: what other workers have written is published now, without waiting for them or for the relay.

A writer advances the cache generations of what it has written a moment after others can read it, and a killed one never
does. Until the relay has brought the entry into the log, before which it advances them too, the entry waits in its
document: nothing is unpublished that doesn't wait there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pymongo.read_concern import ReadConcern

from parley_core.data.deadline import remaining, time_is_over
from parley_core.data.documents import Document
from parley_core.data.entries import kind_of
from parley_core.data.handle import Database
from parley_core.data.unrelayed import Unit
from parley_core.log.outbox import OUTBOX
from parley_core.log.sources import WAITS, as_logged
from parley_core.waiting import Rounds

# Of each collection the documents that have waited shortest: more than living workers leave there at one moment.
_DOCUMENTS = 500
# Of each document the newest entries.
_ENTRIES = 200
# A request that has waited for something else, such as the receiver of a webhook, has no time left for the database.
_LEAST_SECONDS = 0.25
Place = tuple[Unit, int]


class CatchUp:
    """Advances the generations of entries that wait for the relay, unless that is known to be done.

    Args:
        database: the application's own handle.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._published: frozenset[Place] = frozenset()
        self._rounds: Rounds[None] = Rounds(self._publish)

    async def run(self) -> None:
        """Return when everything is published that could be read before this call; many callers share one query.

        Raises:
            PyMongoError: it isn't known to be published, or the caller's time is over.
        """
        left = remaining()
        try:
            await self._rounds.join((), seconds=None if left is None else max(left, _LEAST_SECONDS))
        except TimeoutError:
            raise time_is_over() from None

    async def close(self) -> None:
        """Stop; whoever still waits doesn't learn whether everything is published."""
        await self._rounds.close()

    async def _publish(self, _asked: Iterable[None]) -> None:
        generations, unrelayed = self._database.generations, self._database.unrelayed
        waiting = await self._waiting(list(generations.types))
        new = [e for place, e in waiting.items() if place not in self._published and not unrelayed.is_published(*place)]
        await generations.advance({key for entry in new for key in generations.invalidated_by_others(entry)})
        self._published = frozenset(waiting)

    async def _waiting(self, types: Sequence[str]) -> Mapping[Place, Document]:
        """Return the entries of these types that wait for the relay, as the log will have them."""
        if not (names := self._collections(types)):
            return {}
        first, *others = [(name, _pipeline(name, types)) for name in names]
        unions = [{"$unionWith": {"coll": name, "pipeline": pipeline}} for name, pipeline in others]
        # A majority read doesn't see yet all that a write's condition or a unique index has met.
        collection = self._database.get_collection(first[0], read_concern=ReadConcern("local"))
        cursor = await collection.aggregate([*first[1], *unions])
        return {place: entry for document in await cursor.to_list() for place, entry in _entries_of(document)}

    def _collections(self, types: Sequence[str]) -> Sequence[str]:
        # As far as this process knows, events of any other kind have no recorded document.
        are_emitted = {kind_of(name) for name in types} - set(self._database.kinds.values())
        return [*sorted(self._database.recorded if types else ()), *([OUTBOX] if are_emitted else [])]


def _pipeline(name: str, types: Sequence[str]) -> list[Mapping[str, Any]]:
    newest = {"$slice": ["$history", -_ENTRIES]}
    # An entry that isn't one is the relay's to report.
    is_ruled = {"$and": [{"$gt": ["$$this.rev", 0]}, {"$in": ["$$this.type", {"$literal": types}]}]}
    ruled = {"$filter": {"input": newest, "cond": is_ruled}}
    shown = dict.fromkeys(("subject", "kind", "subject_id") if name == OUTBOX else (), True)
    return [
        {"$match": {**WAITS, "history.type": {"$in": types}}},
        {"$sort": {"history.0.at": -1}},
        {"$limit": _DOCUMENTS},
        {"$project": {**shown, "history": ruled, "collection": {"$literal": name}}},
    ]


def _entries_of(document: Document) -> Iterator[tuple[Place, Document]]:
    key = subject_id = document["_id"]
    if "subject" in document:
        key, subject_id = document["subject"], document["subject_id"]
    for entry in document["history"]:
        kind = document.get("kind", kind_of(entry["type"]))
        yield (Unit(document["collection"], key), entry["rev"]), as_logged(entry, kind, subject_id)
