"""The rules of the list: what a query asks for, and what its caller may see of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parley_auth import Access
from parley_core.errors import InvalidFilter
from parley_core.http.cursors import Cursors
from parley_core.http.sorting import Places, Sort, SortKeys
from parley_core.words import words_of
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.interviews.presentation import InterviewPresenter
from parley_interviews.interviews.schemas import Interview as ShownInterview
from parley_interviews.listing.models import Found, InterviewFilter
from parley_interviews.listing.repository import InterviewSearch
from parley_interviews.listing.schemas import InterviewQuery
from parley_interviews.models import Interview
from parley_interviews.policy import lists_all

SORT_KEYS = SortKeys(
    {"created_at": datetime, "scheduled_at": datetime, "title": str, "status": str}, default="-created_at"
)


@dataclass(frozen=True)
class Listing:
    """A page of the list.

    Args:
        interviews: as the caller sees them.
        total: how many there are on all pages.
        offset: how many lie before these.
        cursor: the place behind these; None when no others follow.
    """

    interviews: Sequence[ShownInterview]
    total: int
    offset: int
    cursor: str | None


class InterviewList:
    """Lists interviews."""

    def __init__(self, *, search: InterviewSearch, presenter: InterviewPresenter, cursors: Cursors) -> None:
        self._search = search
        self._places = Places(SORT_KEYS, cursors, of=INTERVIEWS)
        self._presenter = presenter

    async def page(self, access: Access, query: InterviewQuery) -> Listing:
        """Return the interviews that a query asks for.

        Raises:
            InvalidSort, InvalidCursor, InvalidFilter: the query asks for what the list doesn't offer the caller.
        """
        sort, cursor = self._places.asked_for(sort=query.sort, cursor=query.cursor, offset=query.offset)
        wanted = _filter_of(query, _participant(query, access))
        found = await self._search.page(
            wanted, sort, viewer_id=access.principal.id, limit=query.limit, offset=query.offset, cursor=cursor
        )
        start = cursor.offset if cursor else query.offset
        items = [self._presenter.present(one, access, relation).interview for one, relation in found.interviews]
        return Listing(items, found.total, start, self._behind(found, sort, start))

    def _behind(self, found: Found, sort: Sort, start: int) -> str | None:
        if not found.more:
            return None
        last, _ = found.interviews[-1]
        return self._places.behind(sort, _sort_values(last), offset=start + len(found.interviews))


def _participant(query: InterviewQuery, access: Access) -> str | None:
    """Return the user whose interviews are listed; None for everybody's."""
    if lists_all(access):
        return query.participant_id
    if query.participant_id is not None:
        raise InvalidFilter("participant_id is for administrators: leave it out to list your own interviews")
    return access.principal.id


def _filter_of(query: InterviewQuery, participant: str | None) -> InterviewFilter:
    return InterviewFilter(
        participant=participant,
        statuses=query.status,
        interview_types=query.interview_type,
        words=() if query.q is None else words_of(query.q),
        scheduled_from=query.scheduled_from,
        scheduled_to=query.scheduled_to,
    )


def _sort_values(interview: Interview) -> dict[str, Any]:
    return {**{name: getattr(interview, name) for name in SORT_KEYS.names}, "_id": interview.id}
