"""The routes of single interviews."""

from fastapi import Request, Response, status

from parley_auth.errors import InactiveUser, LastAdmin, UserNotFound
from parley_core import Router, raises
from parley_core.caching.routes import cached
from parley_core.http.requests import outer_path_of
from parley_core.http.sent_headers import ETAG, LOCATION, sends
from parley_interviews import caching
from parley_interviews.errors import DuplicateParticipant, InvalidParticipantRole, UnverifiedEmail
from parley_interviews.interviews import schemas
from parley_interviews.interviews.dependencies import (
    InterviewCreation,
    InterviewRead,
    InterviewServiceDep,
    InterviewTransition,
    InterviewUpdating,
)
from parley_interviews.interviews.preconditions import IfMatchDep
from parley_interviews.interviews.presentation import Shown

router = Router(prefix="/interviews", tag="interviews", description="Interviews, their lifecycle and their history.")


@router.post("", summary="Create an interview", status_code=status.HTTP_201_CREATED)
@raises(UserNotFound, InactiveUser, UnverifiedEmail, InvalidParticipantRole, LastAdmin, DuplicateParticipant)
@sends(LOCATION, ETAG)
async def create_interview(
    access: InterviewCreation,
    body: schemas.InterviewCreate,
    interviews: InterviewServiceDep,
    request: Request,
    response: Response,
) -> schemas.Interview:
    """Create an interview together with its participants and the accounts that are invited: all of it or nothing."""
    shown = await interviews.create(body, access)
    response.headers["Location"] = f"{outer_path_of(request.scope)}/{shown.interview.id}"
    return _tagged(shown, response)


@router.get("/{interview_id}", summary="Read an interview")
@cached(caching.DETAIL)
async def read_interview(
    access: InterviewRead, interviews: InterviewServiceDep, response: Response
) -> schemas.Interview:
    """Return an interview; `ETag` names its current version."""
    return _tagged(await interviews.get(access), response)


@router.patch("/{interview_id}", summary="Update an interview")
@sends(ETAG)
async def update_interview(
    access: InterviewUpdating,
    body: schemas.InterviewUpdate,
    if_match: IfMatchDep,
    interviews: InterviewServiceDep,
    response: Response,
) -> schemas.Interview:
    """Change the details of an open interview; another time, duration or time zone is a reschedule."""
    return _tagged(await interviews.update(access, body, if_match), response)


@router.patch("/{interview_id}/status", summary="Start, complete or cancel an interview")
@sends(ETAG)
async def change_status(
    access: InterviewTransition,
    body: schemas.StatusChange,
    if_match: IfMatchDep,
    interviews: InterviewServiceDep,
    response: Response,
) -> schemas.Interview:
    """Bring an interview to another status; `allowed_transitions` lists the possible ones."""
    return _tagged(await interviews.transition(access, body, if_match), response)


def _tagged(shown: Shown, response: Response) -> schemas.Interview:
    response.headers["ETag"] = shown.etag
    return shown.interview
