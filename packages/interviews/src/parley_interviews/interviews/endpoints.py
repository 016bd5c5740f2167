"""The routes of single interviews."""

from dataclasses import replace

from fastapi import Request, Response, status

from parley_auth.errors import InactiveUser, LastAdmin, UserNotFound
from parley_core import Router, raises
from parley_core.caching.routes import cached
from parley_core.http.idempotency import IdempotencyKey
from parley_core.http.requests import outer_path_of
from parley_core.http.sent_headers import ETAG, LOCATION, sends
from parley_interviews import caching
from parley_interviews.errors import (
    DuplicateExternalId,
    DuplicateParticipant,
    IdempotencyKeyReused,
    InterviewNotFound,
    InvalidParticipantRole,
    ScheduleConflict,
    UnverifiedEmail,
)
from parley_interviews.interviews import schemas
from parley_interviews.interviews.dependencies import (
    InterviewCreation,
    InterviewCreationsDep,
    InterviewRead,
    InterviewServiceDep,
    InterviewTransition,
    InterviewUpdating,
)
from parley_interviews.interviews.preconditions import IfMatchDep
from parley_interviews.interviews.presentation import Shown
from parley_interviews.scheduling.headers import CONFLICTS, say_conflicts

router = Router(prefix="/interviews", tag="interviews", description="Interviews, their lifecycle and their history.")


_KNOWN = {
    "model": schemas.Interview,
    "description": "The interview that was created before with this `external_id` or `Idempotency-Key`",
}


@router.post(
    "", summary="Create an interview", status_code=status.HTTP_201_CREATED, responses={status.HTTP_200_OK: _KNOWN}
)
@raises(
    UserNotFound,
    InactiveUser,
    UnverifiedEmail,
    InvalidParticipantRole,
    LastAdmin,
    DuplicateParticipant,
    ScheduleConflict,
    IdempotencyKeyReused,
    InterviewNotFound,
)
@sends(replace(LOCATION, statuses=frozenset({200, 201})), ETAG, CONFLICTS)
async def create_interview(
    access: InterviewCreation,
    body: schemas.InterviewCreate,
    creations: InterviewCreationsDep,
    request: Request,
    response: Response,
    *,
    idempotency_key: IdempotencyKey = None,
) -> schemas.Interview:
    """Create an interview together with its participants and the accounts that are invited: all of it or nothing.

    It can be repeated safely: with the same `external_id`, or within 24 hours with the same `Idempotency-Key` and the
    same body. A repeat changes nothing and is answered with the interview that was created, as it is now.
    """
    created = await creations.create(body, access, idempotency_key=idempotency_key)
    response.status_code = status.HTTP_201_CREATED if created.is_new else status.HTTP_200_OK
    response.headers["Location"] = f"{outer_path_of(request.scope)}/{created.shown.interview.id}"
    return _tagged(created.shown, response)


@router.get("/{interview_id}", summary="Read an interview")
@cached(caching.DETAIL)
async def read_interview(
    access: InterviewRead, interviews: InterviewServiceDep, response: Response
) -> schemas.Interview:
    """Return an interview; `ETag` names its current version."""
    return _tagged(await interviews.get(access), response)


@router.patch("/{interview_id}", summary="Update an interview")
@raises(ScheduleConflict, DuplicateExternalId)
@sends(ETAG, CONFLICTS)
async def update_interview(
    access: InterviewUpdating,
    body: schemas.InterviewUpdate,
    if_match: IfMatchDep,
    interviews: InterviewServiceDep,
    response: Response,
) -> schemas.Interview:
    """Change the details of an open interview; another time, duration or time zone is a reschedule.

    A reschedule looks for overlaps.
    """
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
    say_conflicts(shown.conflicts, response)
    return shown.interview
