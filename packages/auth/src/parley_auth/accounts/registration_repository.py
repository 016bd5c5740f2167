"""The counters of registrations in MongoDB, shared by all workers."""

from datetime import datetime, timedelta

from parley_auth.indexes import REGISTRATION_COUNTS
from parley_auth.passwords.throttle_repository import NOT_BLOCKED, DelayedCounters
from parley_core import Database, Document

_WINDOW = timedelta(hours=1)


class RegistrationRepository(DelayedCounters):
    """Counts by site; each count is one conditional update of the times of the latest registrations."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, REGISTRATION_COUNTS)

    async def count(self, site: str, now: datetime, *, limit: int) -> datetime:
        """Count one more registration, unless `limit` are counted in the hour before `now`.

        Returns: when the site may register the next account; `now` when this one was counted.
        """
        times = {"$concatArrays": [{"$ifNull": ["$times", []]}, [now]]}
        # The oldest of `limit` registrations must be an hour old before the next one.
        free_at = {"$dateAdd": {"startDate": {"$arrayElemAt": ["$times", 0]}, "unit": "hour", "amount": 1}}
        update: list[Document] = [
            {"$set": {"times": {"$slice": [times, -limit]}, "expires_at": now + _WINDOW}},
            {"$set": {"blocked_until": {"$cond": [{"$gte": [{"$size": "$times"}, limit]}, free_at, NOT_BLOCKED]}}},
        ]
        return (await self._change(site, now, update))[0]
