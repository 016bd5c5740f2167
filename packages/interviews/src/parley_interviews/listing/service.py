"""The rules of the list: what a query asks for, and what its caller may see of that."""

from datetime import datetime
from functools import partial
from typing import Any

from parley_auth import Access
from parley_core.caching.totals import CountedTotals
from parley_core.errors import FieldError, InvalidFilter, ValidationError
from parley_core.http.cursors import Cursors
from parley_core.http.pagination import Listing
from parley_core.http.sorting import Places, SortKeys
from parley_interviews.indexes import INTERVIEWS, TITLE_KEY
from parley_interviews.interviews.presentation import InterviewPresenter
from parley_interviews.interviews.title_words import TitleWords, sought
from parley_interviews.listing.models import InterviewFilter
from parley_interviews.listing.repository import InterviewSearch
from parley_interviews.listing.schemas import InterviewQuery
from parley_interviews.policy import lists_all

SORT_KEYS = SortKeys(
    {"created_at": datetime, "updated_at": datetime, "scheduled_at": datetime, "title": str, "status": str},
    default="-created_at",
    stored={"title": TITLE_KEY},
)


class InterviewList:
    """Lists interviews."""

    def __init__(
        self,
        *,
        search: InterviewSearch,
        totals: CountedTotals,
        presenter: InterviewPresenter,
        cursors: Cursors,
        words: TitleWords,
    ) -> None:
        self._search = search
        self._totals = totals
        self._words = words
        self._places = Places(SORT_KEYS, cursors, of=INTERVIEWS)
        self._presenter = presenter

    async def page(self, access: Access, query: InterviewQuery) -> Listing[dict[str, Any]]:
        """Return the interviews that a query asks for, each by the fields that it is shown with.

        Raises:
            InvalidSort, InvalidCursor, InvalidFilter: the query asks for what the list doesn't offer the caller.
            ValidationError: the span for what overlaps it doesn't end after it begins.
        """
        place = self._places.asked_for(query, sort=query.sort)
        wanted = _filter_of(query, _participant(query, access), whole=self._words.are_complete)
        read = partial(self._search.page, wanted, place, viewer_id=access.principal.id, limit=query.limit)
        # The same interviews are listed under another generation for whoever lists their own.
        found = await self._totals.page(read, of=(INTERVIEWS, lists_all(access), wanted), wanted=query.total)
        shown = [self._presenter.listed(one, access, relation) for one, relation in found.items]
        return self._places.listing(place, found, shown)


def _participant(query: InterviewQuery, access: Access) -> str | None:
    """Return the user whose interviews are listed; None for everybody's."""
    if lists_all(access):
        return query.participant_id
    if query.participant_id is not None:
        raise InvalidFilter("participant_id is for administrators: leave it out to list your own interviews")
    return access.principal.id


def _filter_of(query: InterviewQuery, participant: str | None, *, whole: bool) -> InterviewFilter:
    if query.overlaps_from and query.overlaps_to and query.overlaps_from >= query.overlaps_to:
        raise ValidationError(errors=[FieldError("?overlaps_to", "span", "Must be after overlaps_from")])
    return InterviewFilter(
        participant=participant,
        statuses=tuple(query.status),
        interview_types=tuple(query.interview_type),
        words=() if query.q is None else tuple(sought(query.q, whole=whole)),
        external_id=query.external_id,
        scheduled_from=query.scheduled_from,
        scheduled_to=query.scheduled_to,
        overlaps_from=query.overlaps_from,
        overlaps_to=query.overlaps_to,
        updated_from=query.updated_from,
    )
