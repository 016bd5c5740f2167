"""The rules of scorecards."""

from parley_auth import ScopedAccess
from parley_core import PRIVATE, Event, Parley, Session, in_transaction, new_id
from parley_scorecards import schemas
from parley_scorecards.errors import InterviewNotCompleted
from parley_scorecards.events import SCORECARD_SUBMITTED
from parley_scorecards.models import Scorecard
from parley_scorecards.policy import WRITE
from parley_scorecards.repository import ScorecardRepository


class ScorecardService:
    """Leaves scorecards and reads them."""

    def __init__(self, parley: Parley) -> None:
        self._client = parley.client
        self._clock = parley.clock
        self._scorecards = ScorecardRepository(parley.database)

    async def submit(self, interview_id: str, wanted: schemas.ScorecardCreate, access: ScopedAccess) -> Scorecard:
        """Leaves the caller's scorecard for a completed interview.

        Raises:
            InterviewNotCompleted: the interview is in another state.
            DuplicateScorecard: the caller has left one before.
        """
        scorecard = Scorecard(
            id=new_id(),
            interview_id=interview_id,
            author_id=access.principal.id,
            rating=wanted.rating,
            notes=wanted.notes,
            created_at=self._clock(),
        )

        async def add(session: Session) -> None:
            await access.lock(session, WRITE)
            await self._scorecards.add(scorecard, _submitted(scorecard, access), session=session)

        try:
            await in_transaction(self._client, add)
        except access.scope.closed as error:
            raise InterviewNotCompleted from error
        return scorecard

    async def page(self, interview_id: str, *, limit: int, offset: int) -> tuple[list[Scorecard], int]:
        """A page of an interview's scorecards, oldest first, and how many there are."""
        return await self._scorecards.page(interview_id, limit=limit, offset=offset)


def _submitted(scorecard: Scorecard, access: ScopedAccess) -> Event:
    return Event(
        type=SCORECARD_SUBMITTED,
        at=scorecard.created_at,
        actor=access.actor,
        changes={"rating": (None, scorecard.rating), "notes": (None, PRIVATE)},
        audience=(scorecard.author_id,),
    )
