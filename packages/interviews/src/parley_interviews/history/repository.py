"""The history of an interview in MongoDB."""

from collections.abc import Mapping, Sequence
from typing import Any

from parley_core import Database, Document
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.models import HistoryEntry


class HistoryRepository:
    """Reads what happened to interviews."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]

    async def page(self, interview_id: str, *, limit: int, offset: int) -> tuple[list[HistoryEntry], int]:
        """Return a page of the interview's changes, oldest first, and how many there are."""
        pipeline: Sequence[Document] = [
            {"$match": {"_id": interview_id}},
            {"$project": {"total": {"$size": "$history"}, "page": {"$slice": ["$history", offset, limit]}}},
        ]
        cursor = await self._interviews.aggregate(pipeline)
        [found] = await cursor.to_list() or [{"page": [], "total": 0}]
        return [_as_entry(entry) for entry in found["page"]], int(found["total"])


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
