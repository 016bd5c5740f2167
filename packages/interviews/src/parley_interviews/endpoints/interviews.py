"""Planning interviews, reading them and leading them through their life."""

from typing import Annotated

from fastapi import Query, Response, status
from parley_auth.errors import UserNotFound
from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_core.errors import HistoryFull, InvalidCursor, InvalidSort, PreconditionFailed

from parley_interviews import schemas
from parley_interviews.dependencies import (
    InterviewCreation,
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
    access: InterviewCreation, body: schemas.InterviewCreate, interviews: InterviewServiceDep, response: Response
) -> schemas.Interview:
    """Plans an interview together with those who take part: all of it or nothing."""
    interview = await interviews.create(body, access)
    response.headers["Location"] = f"/v1/interviews/{interview.id}"
    response.headers["ETag"] = etag_of(interview)
    return interview


@router.get("", summary="List interviews")
@raises(InvalidSort, InvalidCursor)
async def list_interviews(
    access: InterviewListing,
    query: Annotated[schemas.InterviewQuery, Query()],
    interviews: InterviewListDep,
    pager: PagerDep,
) -> Page[schemas.Interview]:
    """One's own interviews, and all of them for administrators; newest first unless sorted otherwise."""
    items, total, offset, cursor = await interviews.page(access, query)
    return pager.page(items, total=total, query=query, offset=offset, cursor=cursor)


@router.get("/{interview_id}", summary="Read an interview")
async def read_interview(
    access: InterviewRead, interview_id: str, interviews: InterviewServiceDep, response: Response
) -> schemas.Interview:
    """An interview with its current version in `ETag`."""
    interview = await interviews.get(access)
    response.headers["ETag"] = etag_of(interview)
    return interview


@router.patch("/{interview_id}", summary="Change an interview's details")
@raises(PreconditionFailed, HistoryFull)
async def update_interview(
    access: InterviewUpdating,
    interview_id: str,
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
@raises(PreconditionFailed, HistoryFull)
async def change_status(
    access: InterviewTransition,
    interview_id: str,
    body: schemas.StatusChange,
    known: KnownVersionsDep,
    interviews: InterviewServiceDep,
    response: Response,
) -> schemas.Interview:
    """Brings an interview to another status, as `allowed_transitions` offers."""
    interview = await interviews.transition(access, body, known)
    response.headers["ETag"] = etag_of(interview)
    return interview


@router.get("/{interview_id}/history", summary="Read what happened to an interview", response_model=Page[schemas.HistoryEntry])
async def read_history(
    access: InterviewRead,
    interview_id: str,
    query: Annotated[PageQuery, Query()],
    interviews: InterviewServiceDep,
    pager: PagerDep,
) -> Page[HistoryEntry]:
    """Every change, oldest first: who did what when, from what to what and why."""
    entries, total = await interviews.history(access, limit=query.limit, offset=query.offset)
    return pager.page(entries, total=total, query=query)
