"""The list of interviews: what a query asks for, and what its caller may see of that."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from parley_auth import Access, Role
from parley_core import Parley
from parley_core.errors import InvalidCursor, InvalidFilter
from parley_core.sorting import SortKeys

from parley_interviews import schemas
from parley_interviews.models import Interview
from parley_interviews.policy import words_of
from parley_interviews.presentation import present
from parley_interviews.repository import InterviewRepository

SORT_KEYS = SortKeys(
    {"created_at": datetime, "scheduled_at": datetime, "title": str, "status": str}, default="-created_at"
)


class InterviewList:
    """Finds interviews."""

    def __init__(self, parley: Parley) -> None:
        self._interviews = InterviewRepository(parley.database)

    async def page(
        self, access: Access, query: schemas.InterviewQuery
    ) -> tuple[Sequence[schemas.Interview], int, int, str | None]:
        """The interviews that a query asks for: items, total, where the page lies, and the cursor behind it.

        Raises:
            InvalidSort, InvalidCursor, InvalidFilter: the query asks for what the list doesn't offer the caller.
        """
        cursor = SORT_KEYS.decode(query.cursor) if query.cursor else None
        sort = cursor.sort if cursor else SORT_KEYS.parse(query.sort or SORT_KEYS.default)
        if cursor and query.sort not in {None, sort.spelt}:
            raise InvalidCursor("The cursor belongs to another sort order")
        where = filter_of(query, access)
        viewer = access.principal
        found, total = await self._interviews.page(
            where, sort, viewer_id=viewer.id, limit=query.limit, offset=query.offset, cursor=cursor
        )
        start = cursor.offset if cursor else query.offset
        items = [present(interview, access.policy, viewer.role, member=member) for interview, member in found]
        last = found[-1][0] if found else None
        following = SORT_KEYS.encode(sort, _sort_values(last), offset=start + len(found)) if last else None
        return items, total, start, following


def filter_of(query: schemas.InterviewQuery, access: Access) -> dict[str, Any]:
    """The MongoDB filter of a query; whoever isn't an administrator sees his own interviews, whatever he asks."""
    where: dict[str, Any] = {}
    if access.principal.role is not Role.ADMIN:
        if query.participant_id:
            raise InvalidFilter("participant_id is for administrators")
        where["participants.user_id"] = access.principal.id
    elif query.participant_id:
        where["participants.user_id"] = query.participant_id
    if query.status:
        where["status"] = {"$in": [str(status) for status in query.status]}
    if query.interview_type:
        where["interview_type"] = {"$in": query.interview_type}
    if query.q:
        where["title_words"] = {"$all": words_of(query.q)}
    bounds = {"$gte": query.scheduled_from, "$lt": query.scheduled_to}
    if given := {operator: instant for operator, instant in bounds.items() if instant}:
        where["scheduled_at"] = given
    return where


def _sort_values(interview: Interview) -> dict[str, Any]:
    return {**{name: getattr(interview, name) for name in SORT_KEYS.names}, "_id": interview.id}
