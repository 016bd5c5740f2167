"""Finding interviews in MongoDB: filters, orders, pages and totals."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parley_core import Database, Document
from parley_core.http.sorting import Cursor, Sort, behind
from parley_interviews import schemas
from parley_interviews.indexes import INDEX_OF_SORT, INTERVIEWS
from parley_interviews.models import Interview
from parley_interviews.policy import words_of
from parley_interviews.repository import PROJECTION, as_interview
from parley_interviews.totals import InterviewTotals


@dataclass(frozen=True)
class Found:
    """A page of what was found.

    Args:
        interviews: each with whether the viewer takes part in it.
        more: whether there are others behind them.
        total: how many there are on all pages.
    """

    interviews: Sequence[tuple[Interview, bool]]
    more: bool
    total: int


class InterviewSearch:
    """Finds interviews."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]
        self._totals = InterviewTotals(database)

    async def page(
        self, where: Mapping[str, Any], sort: Sort, *, viewer_id: str, limit: int, offset: int, cursor: Cursor | None
    ) -> Found:
        """A page of the interviews that meet `where`: what lies behind the cursor, else behind `offset` others."""
        narrowed = {"$and": [where, behind(cursor)]} if cursor else where
        projection = {**PROJECTION, "participants": {"$elemMatch": {"user_id": viewer_id}}}
        found = self._interviews.find(narrowed, projection).sort(list(sort.keys))
        # One more than asked for tells whether the list goes on.
        found = found.skip(0 if cursor else offset).limit(limit + 1)
        if not narrowed:
            found = found.hint(INDEX_OF_SORT[sort.keys[0][0]])
        documents, total = await asyncio.gather(found.to_list(), self._count(where))
        shown = [(as_interview(d), bool(d.get("participants"))) for d in documents[:limit]]
        return Found(shown, more=len(documents) > limit, total=total)

    async def _count(self, where: Mapping[str, Any]) -> int:
        return await (self._interviews.count_documents(where) if where else self._totals.all())


def filter_of(query: schemas.InterviewQuery, participant: str | None) -> Document:
    """The filter for what a query asks for, of the interviews in which `participant` takes part; None for all."""
    where: Document = {}
    if participant is not None:
        where["participants.user_id"] = participant
    if query.status:
        where["status"] = {"$in": query.status}
    if query.interview_type:
        where["interview_type"] = {"$in": query.interview_type}
    if query.q is not None:
        where["title_words"] = {"$all": words_of(query.q)}
    bounds = {"$gte": query.scheduled_from, "$lt": query.scheduled_to}
    if given := {operator: instant for operator, instant in bounds.items() if instant}:
        where["scheduled_at"] = given
    return where
