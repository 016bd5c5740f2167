"""Ratings in MongoDB."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from parley_core import Database, Document, Event, Session, in_transaction, insert_recorded
from parley_ratings.errors import DuplicateRating
from parley_ratings.indexes import RATINGS
from parley_ratings.models import Rating


class RatingRepository:
    """Reads and adds ratings."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ratings = database[RATINGS]

    async def add(self, rating: Rating, event: Event, *, lock: Callable[[Session], Awaitable[None]]) -> None:
        """Store a new rating in a transaction.

        Args:
            rating: the rating.
            event: its first event.
            lock: called first, with the transaction, to keep the interview as it is until the commit.

        Raises:
            DuplicateRating: its author has already rated this interview.
        """

        async def write(session: Session) -> None:
            await lock(session)
            await insert_recorded(self._ratings, _stored(rating), event, session=session)

        try:
            await in_transaction(self._database.client, write)
        except DuplicateKeyError as error:
            raise DuplicateRating from error

    async def page(self, interview_id: str, *, limit: int, offset: int) -> tuple[list[Rating], int]:
        """Return a page of an interview's ratings, oldest first, and how many there are."""
        where = {"interview_id": interview_id}
        found = self._ratings.find(where, {"history": False}).sort([("created_at", 1), ("_id", 1)])
        documents = await found.skip(offset).limit(limit).to_list()
        return [_as_rating(d) for d in documents], await self._ratings.count_documents(where)


def _stored(rating: Rating) -> Document:
    document = asdict(rating)
    document["_id"] = document.pop("id")
    return document


def _as_rating(document: Mapping[str, Any]) -> Rating:
    return Rating(
        id=document["_id"],
        interview_id=document["interview_id"],
        author_id=document["author_id"],
        rating=document["rating"],
        notes=document.get("notes", ""),
        created_at=document["created_at"],
    )
