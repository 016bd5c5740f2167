"""API keys in MongoDB: embedded in their creator, so that one read tells role, activity and whether a key is alive."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from parley_auth.indexes import USERS
from parley_auth.keys.models import MAX_KEYS, ApiKey
from parley_auth.models import ADMIN
from parley_core import Database, Document, Event, Expression, record
from parley_core.data.keyset import Found, Place, behind

_ANY = {"keys.id": {"$gt": ""}}
_FULL = f"keys.{MAX_KEYS - 1}"
_KEYS = {"$ifNull": ["$keys", []]}


def key_of(document: Mapping[str, Any], user_id: str) -> ApiKey:
    """Return the key in a stored document, with a default for each field that an older one may lack."""
    return ApiKey(
        id=document["id"],
        name=document.get("name", ""),
        actions=tuple(document["actions"]),
        created_by=user_id,
        created_at=document["created_at"],
        expires_at=document.get("expires_at"),
        last_used_at=document.get("last_used_at"),
    )


class KeyRepository:
    """Reads and writes keys; creating and revoking one is a recorded write of its creator's account."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]

    async def add(self, key: ApiKey, digest: str, event: Event) -> bool:
        """Store a new key; False when its creator has 50, or is no active administrator any more."""
        where = {"_id": key.created_by, "role": ADMIN, "active": True, _FULL: {"$exists": False}}
        added = {"$concatArrays": [_KEYS, [{"$literal": _stored(key, digest)}]]}
        return await record(self._users, where, {"keys": Expression(added)}, event) is not None

    async def remove(self, key: ApiKey, event: Event) -> bool:
        """Remove a key, which is invalid from then on; False when it is gone already."""
        where = {"_id": key.created_by, "keys.id": {"$eq": key.id}}
        others = {"$filter": {"input": _KEYS, "cond": {"$ne": ["$$this.id", {"$literal": key.id}]}}}
        return await record(self._users, where, {"keys": Expression(others)}, event) is not None

    async def by_id(self, key_id: str) -> ApiKey | None:
        """Return the key with this id, whoever created it."""
        found = await self._users.find_one({"keys.id": {"$eq": key_id}}, {"keys.$": True})
        return key_of(found["keys"][0], found["_id"]) if found else None

    async def is_full(self, user_id: str) -> bool:
        """Return whether an administrator has as many keys as are possible."""
        return await self._users.find_one({"_id": user_id, _FULL: {"$exists": True}}, {"_id": True}) is not None

    async def page(self, place: Place, *, limit: int, counts: bool) -> Found[ApiKey]:
        """Return the page of all administrators' keys, oldest first, that begins at a place.

        Args:
            place: where the page begins.
            limit: keys at most.
            counts: whether all keys are counted too.
        """
        keys, values = place.sort.keys, place.values
        of_each: list[Document] = [
            {"$match": _ANY},
            {"$project": {"key": "$keys"}},
            {"$unwind": "$key"},
            {"$project": {"_id": "$key.id", "created_at": "$key.created_at", "user_id": "$_id", "key": True}},
            {"$sort": dict(keys)},
            {"$skip": place.offset} if values is None else {"$match": behind(keys, values)},
            {"$limit": limit + 1},
        ]
        found = await (await self._users.aggregate(of_each)).to_list()
        total = await self._number() if counts else None
        shown, more = found[:limit], len(found) > limit
        end = tuple(shown[-1][name] for name, _ in keys) if more else None
        return Found([key_of(one["key"], one["user_id"]) for one in shown], total, end)

    async def _number(self) -> int:
        count: list[Document] = [{"$match": _ANY}, {"$group": {"_id": None, "total": {"$sum": {"$size": "$keys"}}}}]
        counted = await (await self._users.aggregate(count)).to_list()
        return int(counted[0]["total"]) if counted else 0

    async def note_use(self, user_id: str, key_id: str, hour: datetime) -> None:
        """Store the hour of a key's last use, once: bookkeeping that raises no `rev`."""
        unknown = {"id": key_id, "$or": [{"last_used_at": None}, {"last_used_at": {"$lt": hour}}]}
        where = {"_id": user_id, "keys": {"$elemMatch": unknown}}
        await self._users.update_one(where, {"$set": {"keys.$.last_used_at": hour}})


def _stored(key: ApiKey, digest: str) -> Document:
    document = asdict(key) | {"actions": list(key.actions), "digest": digest}
    del document["created_by"]
    return document
