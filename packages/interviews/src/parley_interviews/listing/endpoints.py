"""The route of the list."""

from typing import Annotated, Any

from fastapi import Query

from parley_core import Page, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_core.errors import InvalidCursor, InvalidSort
from parley_interviews import caching
from parley_interviews.interviews.schemas import Interview
from parley_interviews.listing.dependencies import InterviewListDep, InterviewListing
from parley_interviews.listing.schemas import InterviewQuery

router = Router(prefix="/interviews", tag="interviews")


@router.get("", summary="List interviews", response_model=Page[Interview])
@raises(InvalidSort, InvalidCursor)
@cached(caching.LIST)
async def list_interviews(
    access: InterviewListing,
    query: Annotated[InterviewQuery, Query()],
    interviews: InterviewListDep,
    pager: PagerDep,
) -> Page[dict[str, Any]]:
    """List the caller's own interviews, or all of them for administrators; newest first unless sorted otherwise."""
    return pager.listing(await interviews.page(access, query), query=query)
