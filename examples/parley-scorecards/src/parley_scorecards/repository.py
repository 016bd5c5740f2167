"""Scorecards in MongoDB."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from parley_core import Database, Document, Event, Session, first_recorded
from parley_scorecards.errors import DuplicateScorecard
from parley_scorecards.indexes import SCORECARDS
from parley_scorecards.models import Scorecard


class ScorecardRepository:
    """Reads and adds scorecards."""

    def __init__(self, database: Database) -> None:
        self._scorecards = database[SCORECARDS]

    async def add(self, scorecard: Scorecard, event: Event, *, session: Session) -> None:
        """Stores a new scorecard inside the caller's transaction.

        Raises:
            DuplicateScorecard: its author has left one for this interview.
        """
        try:
            await self._scorecards.insert_one(first_recorded(_stored(scorecard), event), session=session)
        except DuplicateKeyError as error:
            raise DuplicateScorecard from error

    async def page(self, interview_id: str, *, limit: int, offset: int) -> tuple[list[Scorecard], int]:
        """A page of an interview's scorecards, oldest first, and how many there are."""
        where = {"interview_id": interview_id}
        found = self._scorecards.find(where, {"history": False}).sort([("created_at", 1), ("_id", 1)])
        documents = await found.skip(offset).limit(limit).to_list()
        return [_as_scorecard(d) for d in documents], await self._scorecards.count_documents(where)


def _stored(scorecard: Scorecard) -> Document:
    document = asdict(scorecard)
    document["_id"] = document.pop("id")
    return document


def _as_scorecard(document: Mapping[str, Any]) -> Scorecard:
    fields = {name: document["_id" if name == "id" else name] for name in Scorecard.__dataclass_fields__}
    return Scorecard(**fields)
