"""The routes of an interview's participants."""

from typing import Annotated

from fastapi import Query, Response, status

from parley_auth.errors import InactiveUser, LastAdmin, UserNotFound
from parley_core import Page, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_core.errors import InvalidCursor
from parley_core.http.sent_headers import sends
from parley_interviews import caching
from parley_interviews.errors import (
    DuplicateParticipant,
    InvalidParticipantRole,
    ParticipantNotFound,
    ScheduleConflict,
    TooManyParticipants,
    UnverifiedEmail,
)
from parley_interviews.participants import schemas
from parley_interviews.participants.dependencies import (
    ParticipantAdding,
    ParticipantListing,
    ParticipantRemoval,
    ParticipantServiceDep,
)
from parley_interviews.scheduling.headers import CONFLICTS, say_conflicts

router = Router(
    prefix="/interviews/{interview_id}/participants", tag="participants", description="Who takes part in an interview."
)


@router.get("", summary="List participants")
@raises(InvalidCursor)
@cached(caching.PARTICIPANTS)
async def list_participants(
    access: ParticipantListing,
    query: Annotated[schemas.ParticipantQuery, Query()],
    participants: ParticipantServiceDep,
    pager: PagerDep,
) -> Page[schemas.Participant]:
    """List the participants in the order in which they were added, with `former=true` also those who have left."""
    return pager.listing(await participants.page(access, query), query=query)


@router.post("", summary="Add a participant", status_code=status.HTTP_201_CREATED)
@raises(
    UserNotFound,
    InactiveUser,
    UnverifiedEmail,
    InvalidParticipantRole,
    LastAdmin,
    DuplicateParticipant,
    TooManyParticipants,
    ScheduleConflict,
)
@sends(CONFLICTS)
async def add_participant(
    access: ParticipantAdding,
    body: schemas.NewParticipant,
    participants: ParticipantServiceDep,
    response: Response,
) -> schemas.Participant:
    """Add a user, who sees the interview from their next request on.

    With `invite` an unknown address gets an account that its owner can take over through a link.
    """
    added, conflicts = await participants.add(access, body)
    say_conflicts(conflicts, response)
    return added


@router.delete("/{user_id}", summary="Remove a participant", status_code=status.HTTP_204_NO_CONTENT)
@raises(ParticipantNotFound)
async def remove_participant(access: ParticipantRemoval, user_id: str, participants: ParticipantServiceDep) -> None:
    """Remove a participant, who is locked out from their next request on."""
    await participants.remove(access, user_id)
