"""The participant scope `interview`: what auth's guard and other packages may know of interviews."""

from collections.abc import Sequence

from parley_auth import Locked, ParticipantScope, PolicyTable, Principal, Resource
from parley_core import Parley, Session
from parley_interviews.access import InterviewAccess
from parley_interviews.errors import InterviewClosed, InterviewNotFound
from parley_interviews.models import Status
from parley_interviews.policy import SCOPE
from parley_interviews.repository import InterviewRepository


async def access_of(parley: Parley, resource_id: str, principal: Principal) -> Resource | None:
    """An interview's status, revision and whether the principal takes part, fresh from the primary."""
    return await parley.require(InterviewAccess).of(resource_id, principal)


async def lock(parley: Parley, session: Session, resource_id: str, user_ids: Sequence[str], action: str) -> Locked:
    """Keeps an interview as it is until the transaction ends, provided that its status allows `action`.

    Raises:
        InterviewNotFound: there is none.
        InterviewClosed: its status doesn't allow the action.
    """
    interviews = InterviewRepository(parley.database)
    states = parley.require(PolicyTable).states_of(action)
    held = await interviews.lock(resource_id, states, session)
    if held is None:
        raise InterviewClosed if await interviews.exists(resource_id, session) else InterviewNotFound
    status, participants = held
    return Locked(status, {user_id: role for user_id, role in participants.items() if user_id in user_ids})


SCOPES = [
    ParticipantScope(
        name=SCOPE,
        path_param="interview_id",
        states=tuple(Status),
        not_found=InterviewNotFound,
        closed=InterviewClosed,
        access_of=access_of,
        lock=lock,
    )
]
