"""The history of a recorded document: what isn't in the log yet stands in the document, all else in the log."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parley_core.data.documents import Document
from parley_core.data.handle import Database
from parley_core.log.reader import EVENTS, id_of


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One change of a document; `LogEntry` says what its fields are."""

    rev: int
    type: str
    at: datetime
    actor: str | None
    actor_role: str
    reason: str | None
    changes: Mapping[str, Any]


class History:
    """The history of the documents of one recorded collection.

    Args:
        database: the application's own.
        collection: a recorded one.
        kind: of its documents, the word before the dot in its event types' names.
    """

    def __init__(self, database: Database, collection: str, *, kind: str) -> None:
        self._documents = database[collection]
        self._events = database[EVENTS]
        self._kind = kind

    async def page(self, document_id: str, *, limit: int, offset: int) -> tuple[list[HistoryEntry], int]:
        """Return a page of a document's changes, oldest first, and how many there are; none of a missing document.

        Every change has one revision, so an offset is a place, and the first page costs as much as the last.
        """
        # The document comes first: an entry that is no longer in it is in the log.
        found = await self._documents.find_one({"_id": document_id}, {"rev": True, "history": True})
        if found is None:
            return [], 0
        wanted = range(offset + 1, min(offset + limit, found["rev"]) + 1)
        entries = {entry["rev"]: entry for entry in found.get("history", ()) if entry["rev"] in wanted}
        missing = [id_of(self._kind, document_id, rev) for rev in wanted if rev not in entries]
        entries |= {entry["rev"]: entry for entry in await self._logged(missing)}
        return [_as_entry(entries[rev]) for rev in wanted if rev in entries], int(found["rev"])

    async def of_types(self, document_id: str, types: Collection[str], *, until: int) -> list[HistoryEntry]:
        """Return a document's changes of these types up to a revision, oldest first."""
        # The document comes first, as for a page.
        found = await self._documents.find_one({"_id": document_id}, {"history": True}) or {}
        condition = {
            "kind": self._kind,
            "subject_id": {"$eq": document_id},
            "rev": {"$lte": until},
            "type": {"$in": list(types)},
        }
        entries = {entry["rev"]: entry for entry in await self._events.find(condition).to_list()}
        waiting = (entry for entry in found.get("history", ()) if entry["type"] in types and entry["rev"] <= until)
        entries |= {entry["rev"]: entry for entry in waiting}
        return [_as_entry(entries[rev]) for rev in sorted(entries)]

    async def _logged(self, ids: Sequence[str]) -> list[Document]:
        return await self._events.find({"_id": {"$in": list(ids)}}).to_list() if ids else []


def _as_entry(document: Mapping[str, Any]) -> HistoryEntry:
    """Return the entry of a document, with a default for each field that it may lack."""
    return HistoryEntry(
        rev=document["rev"],
        type=document["type"],
        at=document["at"],
        actor=document.get("actor"),
        actor_role=document.get("actor_role", "unknown"),
        reason=document.get("reason"),
        changes=document.get("changes", {}),
    )
