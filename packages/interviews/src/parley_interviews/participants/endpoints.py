"""The routes of an interview's participants."""

from typing import Annotated

from fastapi import Query, status

from parley_auth.errors import InactiveUser, UserNotFound
from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_interviews.errors import (
    DuplicateParticipant,
    InvalidParticipantRole,
    ParticipantNotFound,
    TooManyParticipants,
)
from parley_interviews.participants import schemas
from parley_interviews.participants.dependencies import (
    ParticipantAdding,
    ParticipantListing,
    ParticipantRemoval,
    ParticipantServiceDep,
)

router = Router(prefix="/interviews/{interview_id}/participants", tag="participants")


@router.get("", summary="List participants")
async def list_participants(
    access: ParticipantListing,
    query: Annotated[PageQuery, Query()],
    participants: ParticipantServiceDep,
    pager: PagerDep,
) -> Page[schemas.Participant]:
    """List the participants in the order in which they were added."""
    items, total = await participants.page(access, limit=query.limit, offset=query.offset)
    return pager.page(items, total=total, query=query)


@router.post("", summary="Add a participant", status_code=status.HTTP_201_CREATED)
@raises(UserNotFound, InactiveUser, InvalidParticipantRole, DuplicateParticipant, TooManyParticipants)
async def add_participant(
    access: ParticipantAdding, body: schemas.Assignment, participants: ParticipantServiceDep
) -> schemas.Participant:
    """Add a user, who sees the interview from their next request on."""
    return await participants.add(access, body)


@router.delete("/{user_id}", summary="Remove a participant", status_code=status.HTTP_204_NO_CONTENT)
@raises(ParticipantNotFound)
async def remove_participant(access: ParticipantRemoval, user_id: str, participants: ParticipantServiceDep) -> None:
    """Remove a participant, who is locked out from their next request on."""
    await participants.remove(access, user_id)
