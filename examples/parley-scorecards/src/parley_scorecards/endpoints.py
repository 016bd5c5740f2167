"""Leaving scorecards and reading them."""

from typing import Annotated

from fastapi import Query, status

from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_scorecards import schemas
from parley_scorecards.dependencies import ScorecardRead, ScorecardServiceDep, ScorecardWrite
from parley_scorecards.errors import DuplicateScorecard
from parley_scorecards.models import Scorecard

router = Router(prefix="/interviews/{interview_id}/scorecards", tag="scorecards")


@router.post("", summary="Leave a scorecard", status_code=status.HTTP_201_CREATED, response_model=schemas.Scorecard)
@raises(DuplicateScorecard)
async def submit_scorecard(
    access: ScorecardWrite, interview_id: str, body: schemas.ScorecardCreate, scorecards: ScorecardServiceDep
) -> Scorecard:
    """Leaves the caller's scorecard; each interviewer of a completed interview leaves one."""
    return await scorecards.submit(interview_id, body, access)


@router.get("", summary="Read scorecards", response_model=Page[schemas.Scorecard])
async def list_scorecards(
    _access: ScorecardRead,
    interview_id: str,
    query: Annotated[PageQuery, Query()],
    scorecards: ScorecardServiceDep,
    pager: PagerDep,
) -> Page[Scorecard]:
    """The interview's scorecards, oldest first; candidates never see them."""
    items, total = await scorecards.page(interview_id, limit=query.limit, offset=query.offset)
    return pager.page(items, total=total, query=query)
