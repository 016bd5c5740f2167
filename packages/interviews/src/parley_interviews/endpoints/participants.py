"""Those who take part in an interview."""

from typing import Annotated

from fastapi import Query, status

from parley_auth.errors import UserNotFound
from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_core.errors import HistoryFull
from parley_interviews import schemas
from parley_interviews.dependencies import (
    AssignmentsDep,
    InterviewId,
    InterviewRead,
    ParticipantAdding,
    ParticipantRemoval,
)
from parley_interviews.errors import (
    DuplicateParticipant,
    InactiveUser,
    InvalidParticipantRole,
    ParticipantNotFound,
    TooManyParticipants,
)

router = Router(prefix="/interviews/{interview_id}/participants", tag="participants")


@router.get("", summary="List participants")
async def list_participants(
    access: InterviewRead,
    _interview_id: InterviewId,
    query: Annotated[PageQuery, Query()],
    assignments: AssignmentsDep,
    pager: PagerDep,
) -> Page[schemas.Participant]:
    """Those who take part, in the order in which they were added."""
    items, total = await assignments.page(access, limit=query.limit, offset=query.offset)
    return pager.page(items, total=total, query=query)


@router.post("", summary="Assign somebody", status_code=status.HTTP_201_CREATED)
@raises(UserNotFound, InactiveUser, InvalidParticipantRole, DuplicateParticipant, TooManyParticipants, HistoryFull)
async def add_participant(
    access: ParticipantAdding, _interview_id: InterviewId, body: schemas.Assignment, assignments: AssignmentsDep
) -> schemas.Participant:
    """Assigns an account, which sees the interview from its next request on."""
    return await assignments.add(access, body)


@router.delete("/{user_id}", summary="Take somebody off", status_code=status.HTTP_204_NO_CONTENT)
@raises(ParticipantNotFound, HistoryFull)
async def remove_participant(
    access: ParticipantRemoval, _interview_id: InterviewId, user_id: str, assignments: AssignmentsDep
) -> None:
    """Takes an account off, which is locked out from its next request on."""
    await assignments.remove(access, user_id)
