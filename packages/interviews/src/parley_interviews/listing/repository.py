"""The list of interviews in MongoDB: filters, orders, pages and totals."""

import asyncio
from collections.abc import Mapping
from typing import Any

from parley_core import Database, Document
from parley_core.data.keyset import behind
from parley_core.http.sorting import Cursor, Sort
from parley_interviews.indexes import INDEX_OF_SORT, INTERVIEWS
from parley_interviews.interviews.repository import PROJECTION, as_interview
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.listing.models import Found, InterviewFilter
from parley_interviews.models import UNKNOWN_TIME
from parley_interviews.participants.repository import relation_of

# The values that stand for a missing field in a cursor.
_MISSING = {"created_at": UNKNOWN_TIME, "scheduled_at": UNKNOWN_TIME, "title": ""}


class InterviewSearch:
    """Finds interviews."""

    def __init__(self, database: Database, totals: InterviewTotals) -> None:
        self._interviews = database[INTERVIEWS]
        self._totals = totals

    async def page(
        self,
        wanted: InterviewFilter,
        sort: Sort,
        *,
        viewer_id: str,
        limit: int,
        offset: int,
        cursor: Cursor | None,
    ) -> Found:
        """Return a page of the wanted interviews: what follows the cursor, without one what follows `offset` others."""
        where = _where(wanted)
        narrowed = {"$and": [where, behind(cursor.sort.keys, cursor.values, missing=_MISSING)]} if cursor else where
        projection = {**PROJECTION, "participants": {"$elemMatch": {"user_id": viewer_id}}}
        found = self._interviews.find(narrowed, projection).sort(list(sort.keys))
        # One more than asked for shows whether the list goes on.
        found = found.skip(0 if cursor else offset).limit(limit + 1)
        if not narrowed:
            found = found.hint(INDEX_OF_SORT[sort.keys[0][0]])
        documents, total = await asyncio.gather(found.to_list(), self._count(where))
        shown = [(as_interview(d), relation_of(viewer_id, d.get("participants", ()))) for d in documents[:limit]]
        return Found(shown, more=len(documents) > limit, total=total)

    async def _count(self, where: Mapping[str, Any]) -> int:
        return await (self._interviews.count_documents(where) if where else self._totals.all())


def _where(wanted: InterviewFilter) -> Document:
    where: Document = {}
    if wanted.participant is not None:
        where["participants.user_id"] = wanted.participant
    if wanted.statuses:
        where["status"] = {"$in": wanted.statuses}
    if wanted.interview_types:
        where["interview_type"] = {"$in": wanted.interview_types}
    if wanted.words:
        where["title_words"] = {"$all": wanted.words}
    bounds = {"$gte": wanted.scheduled_from, "$lt": wanted.scheduled_to}
    if given := {operator: instant for operator, instant in bounds.items() if instant}:
        where["scheduled_at"] = given
    return where
