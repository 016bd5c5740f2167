"""Feeds in MongoDB: one document for each owner, so that the limit stands in the filter of the write."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from parley_calendar.indexes import CALENDARS
from parley_calendar.models import Feed, FeedToken
from parley_calendar.policy import MAX_FEEDS
from parley_core import Database, Document, Event, Expression, Revocation, insert_recorded, record

REVOCATION = Revocation(CALENDARS, {"$set": {"feeds": []}})
"""Deletes every feed."""

_FULL = f"feeds.{MAX_FEEDS - 1}"
_FEEDS = {"$ifNull": ["$feeds", []]}


class FeedRepository:
    """Reads and writes feeds; every write is recorded."""

    def __init__(self, database: Database) -> None:
        self._calendars = database[CALENDARS]

    async def add(self, owner_id: str, feed: Feed, token: FeedToken, event: Event) -> bool:
        """Store a new feed; False when its owner has as many as are possible."""
        stored = asdict(feed) | {"digest": token.digest}
        # The first feed makes the document, unless another request has just made it.
        return (
            await self._append(owner_id, stored, event)
            or await self._begin(owner_id, stored, event)
            or await self._append(owner_id, stored, event)
        )

    async def remove(self, owner_id: str, feed_id: str, event: Event) -> bool:
        """Remove a feed, whose token is invalid from then on; False when its owner has no such feed."""
        where = {"_id": owner_id, "feeds.id": {"$eq": feed_id}}
        others = {"$filter": {"input": _FEEDS, "cond": {"$ne": ["$$this.id", {"$literal": feed_id}]}}}
        return await record(self._calendars, where, {"feeds": Expression(others)}, event) is not None

    async def of(self, owner_id: str) -> Sequence[Feed]:
        """Return an account's feeds, oldest first."""
        found = await self._calendars.find_one({"_id": owner_id}, {"feeds": True})
        return [_feed_of(stored) for stored in found.get("feeds", ())] if found else []

    async def owner_of(self, token: FeedToken) -> str | None:
        """Return whose feed has this token; None when there is none."""
        found = await self._calendars.find_one({"feeds.digest": {"$eq": token.digest}}, {"_id": True})
        return str(found["_id"]) if found else None

    async def _append(self, owner_id: str, stored: Document, event: Event) -> bool:
        where = {"_id": owner_id, _FULL: {"$exists": False}}
        added = {"$concatArrays": [_FEEDS, [{"$literal": stored}]]}
        return await record(self._calendars, where, {"feeds": Expression(added)}, event) is not None

    async def _begin(self, owner_id: str, stored: Document, event: Event) -> bool:
        try:
            await insert_recorded(self._calendars, {"_id": owner_id, "feeds": [stored]}, event)
        except DuplicateKeyError:
            return False
        return True


def _feed_of(stored: Mapping[str, Any]) -> Feed:
    """Return a stored feed, with a default for each field that an older one may lack."""
    return Feed(id=stored["id"], name=stored.get("name"), created_at=stored["created_at"])
