"""Planning interviews, reading them and leading them through their life."""

from typing import Annotated

from fastapi import Query, Request, Response, status

from parley_auth.errors import UserNotFound
from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_core.errors import HistoryFull, InvalidCursor, InvalidSort
from parley_interviews import caching, schemas
from parley_interviews.dependencies import (
    InterviewCreation,
    InterviewId,
    InterviewListDep,
    InterviewListing,
    InterviewRead,
    InterviewServiceDep,
    InterviewTransition,
    InterviewUpdating,
)
from parley_interviews.errors import DuplicateParticipant, InactiveUser, InvalidParticipantRole
from parley_interviews.models import HistoryEntry
from parley_interviews.presentation import etag_of
from parley_interviews.versions import KnownVersionsDep

router = Router(prefix="/interviews", tag="interviews")


@router.post("", summary="Plan an interview", status_code=status.HTTP_201_CREATED)
@raises(UserNotFound, InactiveUser, InvalidParticipantRole, DuplicateParticipant)
async def create_interview(
    access: InterviewCreation,
    body: schemas.InterviewCreate,
    interviews: InterviewServiceDep,
    request: Request,
    response: Response,
) -> schemas.Interview:
    """Plans an interview together with those who take part: all of it or nothing."""
    interview = await interviews.create(body, access)
    response.headers["Location"] = f"{request.url.path}/{interview.id}"
    response.headers["ETag"] = etag_of(interview)
    return interview


@router.get("", summary="List interviews")
@raises(InvalidSort, InvalidCursor)
@cached(caching.LIST)
async def list_interviews(
    access: InterviewListing,
    query: Annotated[schemas.InterviewQuery, Query()],
    interviews: InterviewListDep,
    pager: PagerDep,
) -> Page[schemas.Interview]:
    """One's own interviews, and all of them for administrators; newest first unless sorted otherwise."""
    found = await interviews.page(access, query)
    more = found.cursor is not None
    return pager.page(
        found.interviews, total=found.total, query=query, offset=found.offset, cursor=found.cursor, more=more
    )


@router.get("/{interview_id}", summary="Read an interview")
@cached(caching.DETAIL)
async def read_interview(
    access: InterviewRead, _interview_id: InterviewId, interviews: InterviewServiceDep, response: Response
) -> schemas.Interview:
    """An interview with its current version in `ETag`."""
    interview = await interviews.get(access)
    response.headers["ETag"] = etag_of(interview)
    return interview


@router.patch("/{interview_id}", summary="Change an interview's details")
@raises(HistoryFull)
async def update_interview(
    *,
    access: InterviewUpdating,
    _interview_id: InterviewId,
    body: schemas.InterviewUpdate,
    known: KnownVersionsDep,
    interviews: InterviewServiceDep,
    response: Response,
) -> schemas.Interview:
    """Changes details of an open interview; another time, duration or zone is a reschedule."""
    interview = await interviews.update(access, body, known)
    response.headers["ETag"] = etag_of(interview)
    return interview


@router.patch("/{interview_id}/status", summary="Start, complete or cancel an interview")
@raises(HistoryFull)
async def change_status(
    *,
    access: InterviewTransition,
    _interview_id: InterviewId,
    body: schemas.StatusChange,
    known: KnownVersionsDep,
    interviews: InterviewServiceDep,
    response: Response,
) -> schemas.Interview:
    """Brings an interview to another status, as `allowed_transitions` offers."""
    interview = await interviews.transition(access, body, known)
    response.headers["ETag"] = etag_of(interview)
    return interview


@router.get(
    "/{interview_id}/history", summary="Read what happened to an interview", response_model=Page[schemas.HistoryEntry]
)
async def read_history(
    access: InterviewRead,
    _interview_id: InterviewId,
    query: Annotated[PageQuery, Query()],
    interviews: InterviewServiceDep,
    pager: PagerDep,
) -> Page[HistoryEntry]:
    """Every change, oldest first: who did what when, from what to what and why."""
    entries, total = await interviews.history(access, limit=query.limit, offset=query.offset)
    return pager.page(entries, total=total, query=query)
