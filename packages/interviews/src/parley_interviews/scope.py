"""The participant scope `interview`: what auth's guard and other packages learn about an interview."""

from collections.abc import Awaitable, Sequence

from parley_auth import Locked, ParticipantScope, PolicyTable, Principal, Resource
from parley_core import Composition, Database, Session
from parley_core.data.point_reads import PointReader
from parley_interviews.errors import InterviewClosed, InterviewNotFound
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.interviews.repository import InterviewRepository
from parley_interviews.models import ParticipantRole, Status
from parley_interviews.participants.repository import relation_of
from parley_interviews.policy import SCOPE

# One query serves callers of different users, so it reads all participants (at most 100), not one entry.
_GUARD = {"status": True, "rev": True, "participants.user_id": True, "participants.participant_role": True}


class GuardReader:
    """Reads what the guard needs of an interview on every request: one coalesced point read, never cached."""

    def __init__(self, database: Database) -> None:
        self._reader = PointReader(database[INTERVIEWS], _GUARD)

    def begin(self, interview_id: str) -> None:
        """Begin what `read` then returns in the same turn."""
        self._reader.begin(interview_id)

    async def read(self, interview_id: str, principal: Principal) -> Resource | None:
        """Return status, revision and the principal's relation, fresh from the primary; None when absent."""
        found = await self._reader.read(interview_id)
        if found is None:
            return None
        relation = relation_of(principal.id, found.get("participants", ()))
        return Resource(interview_id, found["status"], relation=relation, validator=found["rev"])


def access_of(parley: Composition, resource_id: str, principal: Principal) -> Awaitable[Resource | None]:
    """Return an interview's status, revision and the principal's relation to it; None when there is none."""
    return parley.require(GuardReader).read(resource_id, principal)


def begin(parley: Composition, resource_id: str) -> None:
    """Begin the read that `access_of` waits for."""
    parley.require(GuardReader).begin(resource_id)


async def lock(parley: Composition, session: Session, resource_id: str, user_ids: Sequence[str], action: str) -> Locked:
    """Lock an interview until the transaction ends, provided that its status allows `action`.

    Raises:
        InterviewNotFound: there is none.
        InterviewClosed: its status doesn't allow the action.
    """
    interviews = parley.require(InterviewRepository)
    states = parley.require(PolicyTable).states_of(action)
    locked = await interviews.lock(resource_id, states, session)
    if locked is None:
        raise InterviewClosed if await interviews.exists(resource_id, session) else InterviewNotFound
    status, relations = locked
    return Locked(status, {user_id: relation for user_id, relation in relations.items() if user_id in user_ids})


SCOPES = [
    ParticipantScope(
        name=SCOPE,
        path_param="interview_id",
        relations=tuple(ParticipantRole),
        states=tuple(Status),
        not_found=InterviewNotFound,
        closed=InterviewClosed,
        access_of=access_of,
        begin=begin,
        lock=lock,
        shown_by=frozenset({"interviews:list", "interviews:create"}),
    )
]
