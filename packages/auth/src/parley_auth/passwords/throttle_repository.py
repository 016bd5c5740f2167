"""The counters of failures in MongoDB, shared by all workers."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from parley_auth.indexes import LOGIN_FAILURES
from parley_core import Database, Document
from parley_core.errors import Unavailable

_EXPIRES_AFTER = timedelta(hours=24)
_MAX_FAILURES = 64
_ATTEMPTS = 5


class ThrottleRepository:
    """Counts by key; each count is one conditional update."""

    def __init__(self, database: Database) -> None:
        self._counters = database[LOGIN_FAILURES]

    async def count(self, key: str, now: datetime, delay_after: Callable[[int], timedelta]) -> datetime:
        """Count one more failure, unless the key must wait.

        Returns: until when the key must wait; `now` when the failure was counted.
        """
        delays = [delay_after(failures) // timedelta(milliseconds=1) for failures in range(_MAX_FAILURES + 1)]
        failures = {"$min": [{"$add": [{"$ifNull": ["$failures", 0]}, 1]}, _MAX_FAILURES]}
        update: list[Document] = [
            {"$set": {"failures": failures, "expires_at": now + _EXPIRES_AFTER}},
            {"$set": {"blocked_until": {"$add": [now, {"$arrayElemAt": [delays, "$failures"]}]}}},
        ]
        # A counter that must wait isn't matched; the upsert then fails on its id.
        where = {"_id": key, "blocked_until": {"$not": {"$gt": now}}}
        for _ in range(_ATTEMPTS):
            try:
                await self._counters.update_one(where, update, upsert=True)
            except DuplicateKeyError:
                # Either the key must wait, or another attempt has just inserted the counter.
                if (until := await self.blocked_until(key, now)) > now:
                    return until
            else:
                return now
        raise Unavailable

    async def blocked_until(self, key: str, now: datetime) -> datetime:
        """Return until when a key must wait; `now` when it needn't."""
        found = await self._counters.find_one({"_id": key}, {"blocked_until": True})
        return max(now, found.get("blocked_until", now)) if found else now

    async def forget(self, key: str) -> None:
        """Delete a counter."""
        await self._counters.delete_one({"_id": key})

    async def take_back(self, key: str, now: datetime) -> None:
        """Subtract one failure and let the next attempt pass."""
        counted = {"_id": key, "failures": {"$gt": 0}}
        await self._counters.update_one(counted, {"$inc": {"failures": -1}, "$set": {"blocked_until": now}})
