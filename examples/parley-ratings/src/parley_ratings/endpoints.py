"""Submitting ratings and reading them."""

from typing import Annotated

from fastapi import Query, status

from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_ratings import caching, schemas
from parley_ratings.dependencies import RatingRead, RatingServiceDep, RatingWrite
from parley_ratings.errors import DuplicateRating
from parley_ratings.models import Rating

router = Router(prefix="/interviews/{interview_id}/ratings", tag="ratings")


@router.post("", summary="Rate an interview", status_code=status.HTTP_201_CREATED, response_model=schemas.Rating)
@raises(DuplicateRating)
async def submit_rating(access: RatingWrite, body: schemas.RatingCreate, ratings: RatingServiceDep) -> Rating:
    """Store the caller's rating. Each interviewer of a completed interview submits one."""
    return await ratings.submit(body, access)


@router.get("", summary="List ratings", response_model=Page[schemas.Rating])
@cached(caching.LIST)
async def list_ratings(
    access: RatingRead, query: Annotated[PageQuery, Query()], ratings: RatingServiceDep, pager: PagerDep
) -> Page[Rating]:
    """Return the interview's ratings, oldest first. Candidates never see them."""
    items, total = await ratings.page(access.resource.id, limit=query.limit, offset=query.offset)
    return pager.page(items, total=total, query=query)
