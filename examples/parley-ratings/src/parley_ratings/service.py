"""The rules of ratings."""

from functools import partial

from parley_auth import ScopedAccess
from parley_core import PRIVATE, Clock, Event, new_id
from parley_ratings import schemas
from parley_ratings.errors import InterviewNotCompleted
from parley_ratings.events import RATING_SUBMITTED
from parley_ratings.models import Rating
from parley_ratings.policy import WRITE
from parley_ratings.repository import RatingRepository


class RatingService:
    """Stores ratings and returns them."""

    def __init__(self, *, ratings: RatingRepository, clock: Clock) -> None:
        self._ratings = ratings
        self._clock = clock

    async def submit(self, wanted: schemas.RatingCreate, access: ScopedAccess) -> Rating:
        """Store the caller's rating of a completed interview.

        Raises:
            InterviewNotCompleted: the interview is in another state.
            DuplicateRating: the caller has already rated this interview.
        """
        rating = Rating(
            id=new_id(),
            interview_id=access.resource.id,
            author_id=access.principal.id,
            rating=wanted.rating,
            notes=wanted.notes,
            created_at=self._clock(),
        )
        try:
            await self._ratings.add(rating, _submitted(rating, access), lock=partial(access.lock, action=WRITE))
        except access.scope.closed as error:
            raise InterviewNotCompleted from error
        return rating

    async def page(self, interview_id: str, *, limit: int, offset: int) -> tuple[list[Rating], int]:
        """Return a page of an interview's ratings, oldest first, and how many there are."""
        return await self._ratings.page(interview_id, limit=limit, offset=offset)


def _submitted(rating: Rating, access: ScopedAccess) -> Event:
    return Event(
        type=RATING_SUBMITTED,
        at=rating.created_at,
        actor=access.actor,
        changes={
            "interview_id": (None, rating.interview_id),
            "rating": (None, rating.rating),
            "notes": (None, PRIVATE),
        },
        audience=(rating.author_id,),
    )
