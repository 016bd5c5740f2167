"""What a guard reads of an interview on every request: one coalesced point read, never cached."""

from parley_auth import Principal, Resource
from parley_core import Database
from parley_core.data.point_reads import PointReader
from parley_interviews.indexes import INTERVIEWS

# One query serves callers of different users, so it reads everybody's id, of at most 100, and not one's own entry.
_GUARD = {"status": True, "rev": True, "members": "$participants.user_id"}


class InterviewAccess:
    """Reads the state of interviews and who takes part in them."""

    def __init__(self, database: Database) -> None:
        self._reader = PointReader(database[INTERVIEWS], _GUARD)

    async def of(self, interview_id: str, principal: Principal) -> Resource | None:
        """An interview's status, revision and whether the principal takes part, fresh from the primary."""
        found = await self._reader.read(interview_id)
        if found is None:
            return None
        return Resource(interview_id, found["status"], member=principal.id in found["members"], validator=found["rev"])
