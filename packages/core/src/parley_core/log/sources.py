"""Where entries wait for the relay: recorded documents, and the outbox."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pymongo import UpdateMany

from parley_core.data.documents import Document
from parley_core.data.entries import kind_of
from parley_core.data.handle import Database
from parley_core.data.unrelayed import Unit
from parley_core.log.outbox import OUTBOX, subject_key
from parley_core.log.reader import id_of

# Entries of one document that are read at once: a history of before the log is brought into it piece by piece.
_PIECE = 200
_LOOK = {"first": {"$slice": ["$history", 1]}, "size": {"$size": "$history"}}
# An entry from before the log may lack them, and rules expect them.
_DEFAULTS: Document = {
    "actor": None,
    "actor_role": "unknown",
    "request_id": "",
    "reason": None,
    "changes": {},
    "audience": [],
}
# Documents of the outbox that are read at once; each is one write's, and has 256 messages at most.
_BATCHES = 200
_BY_SUBJECT = [("subject", 1), ("history.0.rev", 1)]
WAITS = {"history.0.rev": {"$gt": 0}}
"""The condition for documents in which entries wait, as the index of recorded collections has it."""


@dataclass(frozen=True)
class Waiting:
    """What waits in one unit.

    Args:
        unit: where.
        entries: in the order of `rev`, as the log will have them but for their position.
        is_all: whether no more entries wait there.
        documents: in the outbox, the documents that were read, each with its last revision.
    """

    unit: Unit
    entries: Sequence[Document]
    is_all: bool = True
    documents: tuple[tuple[str, int], ...] = ()

    def first(self, count: int) -> "Waiting":
        """Return the first entries."""
        return replace(self, entries=self.entries[:count])


@dataclass(frozen=True)
class Seen:
    """A look at a unit: the first revision that waits, and how many entries `load` would return."""

    rev: int
    size: int


class Source(Protocol):
    """A collection from which the relay brings entries into the log."""

    async def load(self, keys: Iterable[str]) -> list[Waiting]:
        """Return what waits in these units; one of which nothing waits is left out."""

    async def look(self, *, limit: int, newest: bool) -> dict[Unit, Seen]:
        """Return units in which entries wait, the newest or the oldest where the source can tell."""

    async def remove(self, done: Sequence[Waiting]) -> None:
        """Remove entries that are in the log."""


class RecordedDocuments(Source):
    """The documents of one recorded collection; each contains what isn't in the log yet."""

    def __init__(self, database: Database, collection: str) -> None:
        self._name = collection
        self._documents = database[collection]

    async def load(self, keys: Iterable[str]) -> list[Waiting]:
        found = self._documents.find({"_id": {"$in": list(keys)}, **WAITS}, {"history": {"$slice": _PIECE}, "_id": 1})
        return [self._waiting(document) for document in await found.to_list()]

    async def look(self, *, limit: int, newest: bool) -> dict[Unit, Seen]:
        found = _ordered(self._documents.find(WAITS, _LOOK), newest=newest)
        return {Unit(self._name, d["_id"]): _seen(d, at_most=_PIECE) for d in await found.limit(limit).to_list()}

    async def remove(self, done: Sequence[Waiting]) -> None:
        # No `rev` changes: what is shown of the document is the same as before.
        by_last: dict[int, list[str]] = defaultdict(list)
        for waiting in done:
            by_last[waiting.entries[-1]["rev"]].append(waiting.unit.key)
        steps = [
            UpdateMany({"_id": {"$in": keys}}, {"$pull": {"history": {"rev": {"$lte": last}}}})
            for last, keys in by_last.items()
        ]
        await self._documents.bulk_write(steps, ordered=False)

    def _waiting(self, document: Document) -> Waiting:
        subject_id = document["_id"]
        entries = [as_logged(entry, kind_of(entry["type"]), subject_id) for entry in document["history"]]
        return Waiting(Unit(self._name, subject_id), entries, is_all=len(entries) < _PIECE)


class Outbox(Source):
    """The outbox: a unit is one subject, whose documents are read in the order of their revisions."""

    def __init__(self, database: Database) -> None:
        self._documents = database[OUTBOX]

    async def load(self, keys: Iterable[str]) -> list[Waiting]:
        keys = sorted(keys)
        found = self._documents.find({"subject": {"$in": keys}}).sort(_BY_SUBJECT)
        documents = await found.limit(_BATCHES).to_list()
        by_subject: dict[str, list[Document]] = defaultdict(list)
        for document in documents:
            by_subject[subject_key(document)].append(document)
        # Of the subject that was read last, and of those after it, more may wait.
        last = subject_key(documents[-1]) if len(documents) == _BATCHES else None
        wanted = [key for key in keys if key in by_subject or (last is not None and key > last)]
        return [_batches(key, by_subject[key], is_all=last is None or key < last) for key in wanted]

    async def look(self, *, limit: int, newest: bool) -> dict[Unit, Seen]:
        # In one order either way: a limit counts documents, and the units of both looks must be the same.
        found = self._documents.find({}, {**_LOOK, "subject": True}).sort(_BY_SUBJECT)
        seen: dict[Unit, Seen] = {}
        for document in await found.limit(limit).to_list():
            unit, one = Unit(OUTBOX, document["subject"]), _seen(document)
            before = seen.get(unit, Seen(one.rev, 0))
            seen[unit] = Seen(min(before.rev, one.rev), before.size + one.size)
        return seen

    async def remove(self, done: Sequence[Waiting]) -> None:
        # A document of which only the first entries are in the log stays whole; the log has those once.
        ids = [
            document_id
            for waiting in done
            for document_id, last in waiting.documents
            if last <= waiting.entries[-1]["rev"]
        ]
        await self._documents.delete_many({"_id": {"$in": ids}})


def sources_of(database: Database) -> dict[str, Source]:
    """Return where entries wait in an application's database, by the name of the collection."""
    documents = {name: RecordedDocuments(database, name) for name in sorted(database.recorded)}
    return {**documents, OUTBOX: Outbox(database)}


def _ordered(found: Any, *, newest: bool) -> Any:
    return found.sort("history.0.at", -1 if newest else 1)


def _batches(key: str, documents: Sequence[Document], *, is_all: bool) -> Waiting:
    entries = [as_logged(entry, d["kind"], d["subject_id"]) for d in documents for entry in d["history"]]
    read = tuple((d["_id"], d["history"][-1]["rev"]) for d in documents)
    return Waiting(Unit(OUTBOX, key), entries, is_all=is_all, documents=read)


def _seen(document: Document, *, at_most: int | None = None) -> Seen:
    size = document["size"]
    return Seen(document["first"][0]["rev"], size if at_most is None else min(size, at_most))


def as_logged(entry: Document, kind: str, subject_id: str) -> Document:
    """Return an entry as the log will have it, but for its position."""
    subject = {"_id": id_of(kind, subject_id, entry["rev"]), "kind": kind, "subject_id": subject_id}
    return {**subject, **_DEFAULTS, **entry}
