"""Attempts in MongoDB, which removes them once they are old."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern

from parley_core import Database, Document
from parley_core.data.keyset import Counting, Found, Place, documents_at
from parley_webhooks.indexes import ATTEMPTS
from parley_webhooks.models import Attempt, Outcome
from parley_webhooks.policy import KEPT, MAX_LISTED

_SHOWN = {name: True for name in Attempt.__dataclass_fields__ if name != "id"}


class AttemptRepository:
    """Keeps what became of deliveries."""

    def __init__(self, database: Database) -> None:
        # A failover may lose the note of an attempt, never an event: a majority would only slow the deliveries down.
        # What was written like this is seen at once by those alone who read like this.
        self._attempts = database.get_collection(
            ATTEMPTS, write_concern=WriteConcern(w=1), read_concern=ReadConcern("local")
        )

    async def add(self, *attempts: Attempt) -> None:
        """Keep attempts for 30 days."""
        if documents := [_stored(attempt) for attempt in attempts]:
            await self._attempts.insert_many(documents)

    async def page(self, webhook_id: str, place: Place, *, limit: int, counts: bool) -> Found[Attempt]:
        """Return the page of a webhook's attempts that begins at a place; the list ends behind 10,000.

        Args:
            webhook_id: the webhook.
            place: where the page begins.
            limit: attempts at most.
            counts: whether all of the list are counted too.
        """
        where, left = {"webhook_id": webhook_id}, MAX_LISTED - place.offset
        total = Counting(ATTEMPTS, [{"$match": where}, {"$limit": MAX_LISTED}, {"$count": "n"}])
        found = await documents_at(
            self._attempts, where, place, limit=min(limit, left), projection=_SHOWN, total=total if counts else None
        )
        return Found(list(map(as_attempt, found.items)), found.total, found.end if left > limit else None)


def as_attempt(document: Mapping[str, Any]) -> Attempt:
    """Return the attempt of a document, with a default for each field that it may lack."""
    return Attempt(
        id=document["_id"],
        webhook_id=document["webhook_id"],
        position=document.get("position"),
        event_id=document.get("event_id", ""),
        type=document.get("type", "unknown"),
        at=document["at"],
        outcome=Outcome(document["outcome"]),
        status=document.get("status"),
        reason=document.get("reason"),
        milliseconds=document.get("milliseconds", 0),
    )


def _stored(attempt: Attempt) -> Document:
    document = asdict(attempt)
    document["_id"] = document.pop("id")
    return {**document, "expires_at": attempt.at + KEPT}
