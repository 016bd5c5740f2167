"""The list of interviews in MongoDB: filters, orders, pages and totals."""

from collections.abc import Mapping
from typing import Any

from parley_core import Database, Document
from parley_core.data.instants import put_into_utc, without_zones
from parley_core.data.keyset import Counting, Found, Place, counting, documents_at
from parley_interviews.indexes import INDEX_OF_SORT, INTERVIEWS, TITLE_KEY, TITLE_WORDS
from parley_interviews.interviews.repository import PROJECTION, fields_of
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.listing.models import InterviewFilter
from parley_interviews.models import UNKNOWN_TIME
from parley_interviews.participants.repository import relation_of
from parley_interviews.policy import LONGEST

Fields = Mapping[str, Any]
"""Those of an `Interview`, by their names."""
_INSTANTS = ("scheduled_at", "ends_at", "created_at", "updated_at")
# The values that stand for a missing field in a cursor.
_MISSING = {"created_at": UNKNOWN_TIME, "updated_at": UNKNOWN_TIME, "scheduled_at": UNKNOWN_TIME, TITLE_KEY: ""}


class InterviewSearch:
    """Finds interviews."""

    def __init__(self, database: Database) -> None:
        self._interviews = without_zones(database[INTERVIEWS])

    async def page(
        self, wanted: InterviewFilter, place: Place, *, viewer_id: str, limit: int, counts: bool
    ) -> Found[tuple[Fields, str]]:
        """Return the page of the wanted interviews that begins at a place, each with the viewer's relation to it.

        Args:
            wanted: which ones.
            place: where the page begins.
            viewer_id: the user who sees it.
            limit: interviews at most.
            counts: whether all that are wanted are counted too.
        """
        where = _where(wanted)
        projection = {**PROJECTION, TITLE_KEY: True, "participants": _only(viewer_id)}
        is_all = not where and place.values is None
        index = INDEX_OF_SORT[place.sort.keys[0][0]] if is_all else None
        found = await documents_at(
            self._interviews,
            where,
            place,
            limit=limit,
            projection=projection,
            index=index,
            missing=_MISSING,
            total=self._counting(where) if counts else None,
        )
        put_into_utc(found.items, _INSTANTS)
        return found.showing([(fields_of(d), relation_of(viewer_id, d.get("participants") or ())) for d in found.items])

    def _counting(self, where: Document) -> Counting:
        return counting(self._interviews, where) if where else InterviewTotals.ALL


def _only(user_id: str) -> Document:
    """Return the projection of the participants that leaves this one, and null where a document has none at all."""
    return {"$filter": {"input": "$participants", "cond": {"$eq": ["$$this.user_id", {"$literal": user_id}]}}}


def _where(wanted: InterviewFilter) -> Document:
    equal = {"participants.user_id": wanted.participant, "external_id": wanted.external_id}
    where: Document = {name: {"$eq": value} for name, value in equal.items() if value is not None}
    if wanted.statuses:
        where["status"] = {"$in": wanted.statuses}
    if wanted.interview_types:
        where["interview_type"] = {"$in": wanted.interview_types}
    if wanted.words:
        where[TITLE_WORDS] = {"$all": wanted.words}
    if wanted.overlaps_from:
        where["ends_at"] = {"$gt": wanted.overlaps_from}
    if wanted.updated_from:
        where["updated_at"] = {"$gte": wanted.updated_from}
    if begins := _begins(wanted):
        where["scheduled_at"] = begins
    return where


def _begins(wanted: InterviewFilter) -> Document:
    """Return the condition for the begin, along whose index also what ends after a time is found."""
    ends = [instant for instant in (wanted.scheduled_to, wanted.overlaps_to) if instant]
    bounds = {
        "$gte": wanted.scheduled_from,
        "$gt": wanted.overlaps_from and wanted.overlaps_from - LONGEST,
        "$lt": min(ends, default=None),
    }
    return {operator: instant for operator, instant in bounds.items() if instant}
