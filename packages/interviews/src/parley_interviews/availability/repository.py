"""What conflicts show of the stored interviews; which ones overlap is found by `scheduling`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from parley_core import Database
from parley_interviews.availability.models import Glimpse
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.models import Status
from parley_interviews.participants.repository import relation_of


class ConflictRepository:
    """Reads what conflicts are shown with."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]

    async def glimpses(self, interview_ids: Collection[str], viewer_id: str) -> Sequence[Glimpse]:
        """Return what may be shown of interviews, with the viewer's relation to each."""
        projection = {"title": True, "status": True, "participants": {"$elemMatch": {"user_id": viewer_id}}}
        found = await self._interviews.find({"_id": {"$in": list(interview_ids)}}, projection).to_list()
        return [_glimpse_of(document, viewer_id) for document in found]


def _glimpse_of(document: Mapping[str, Any], viewer_id: str) -> Glimpse:
    """Return what may be shown of a document, with a default for each field that it may lack."""
    relation = relation_of(viewer_id, document.get("participants", ()))
    return Glimpse(document["_id"], document.get("title", ""), Status(document["status"]), relation)
