"""The counters of failures in MongoDB, shared by all workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from parley_auth.indexes import LOGIN_FAILURES
from parley_core import Database, Document
from parley_core.errors import Unavailable

_EXPIRES_AFTER = timedelta(hours=24)
_HALVES_IN = timedelta(hours=1)
# Beyond it no delay is longer.
_MAX_COUNT = 64
# Of a site; by the delays, older ones are hours old and count for little.
_MAX_ENTRIES = 256
_ATTEMPTS = 5
_MILLISECOND = timedelta(milliseconds=1)
NOT_BLOCKED = "$$REMOVE"
"""No time at all, rather than the writer's: an attempt that read its clock a moment earlier, or whose clock is behind,
must not wait for that."""
DelayAfter = Callable[[int], timedelta]


@dataclass(frozen=True)
class Entry:
    """An account that failed on a site.

    Args:
        site_key: the site's counter.
        account: the account's digest.
        earlier: when it failed there before, as far as that was still stored.
    """

    site_key: str
    account: str
    earlier: datetime | None = None


class DelayedCounters:
    """Counters by key, each a document that can't be changed before its `blocked_until`."""

    def __init__(self, database: Database, collection: str) -> None:
        self._counters = database[collection]

    async def blocked_until(self, key: str, now: datetime) -> datetime:
        """Return until when a key must wait; `now` when it needn't."""
        found = await self._counters.find_one({"_id": key}, {"blocked_until": True})
        return max(now, found.get("blocked_until", now)) if found else now

    async def _change(
        self, key: str, now: datetime, update: Sequence[Document], *, shown: Document | None = None
    ) -> tuple[datetime, Document]:
        """Change or insert a counter in one conditional update, unless its key must wait.

        Returns: until when the key must wait, `now` when the counter was changed; and the fields that `shown` projects
            of the counter before the change.
        """
        # A counter that must wait isn't matched; the upsert then fails on its id.
        where = {"_id": key, "blocked_until": {"$not": {"$gt": now}}}
        for _ in range(_ATTEMPTS):
            try:
                before = await self._counters.find_one_and_update(
                    where, update, projection=shown or {"_id": True}, upsert=True
                )
            except DuplicateKeyError:
                # Either the key must wait, or another attempt has just inserted the counter.
                if (until := await self.blocked_until(key, now)) > now:
                    return until, {}
            else:
                return now, before or {}
        raise Unavailable


class ThrottleRepository(DelayedCounters):
    """Counts failures of accounts, and accounts that fail on a site; each count is one conditional update."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, LOGIN_FAILURES)

    async def count(self, key: str, now: datetime, delay_after: DelayAfter) -> datetime:
        """Count one more failure of an account, unless it must wait.

        Returns: until when the key must wait; `now` when the failure was counted.
        """
        failures = {"$min": [{"$add": [{"$ifNull": ["$failures", 0]}, 1]}, _MAX_COUNT]}
        update = [_lasting({"failures": failures}, now), _blocked("$failures", now, delay_after)]
        return (await self._change(key, now, update))[0]

    async def enter(self, entry: Entry, now: datetime, delay_after: DelayAfter) -> tuple[datetime, Entry]:
        """Add an account to those that failed on a site, or renew its time, unless the site must wait.

        Returns: until when the site must wait, `now` when the account was added; and the entry with its earlier time.
        """
        update = [_lasting(_failed(entry, at=now), now), _blocked(_accounts(now), now, delay_after)]
        same = {"failed": {"$elemMatch": {"account": entry.account}}}
        until, before = await self._change(entry.site_key, now, update, shown=same)
        times = [failed["at"] for failed in before.get("failed", ())]
        return until, replace(entry, earlier=times[0] if times else None)

    async def remove(self, entry: Entry, now: datetime, *, free: int) -> None:
        """Remove an account from those that failed on a site, and end the site's delay if at most `free` are left."""
        await self.restore(replace(entry, earlier=None), now, free=free)

    async def restore(self, entry: Entry, now: datetime, *, free: int) -> None:
        """Undo `enter`, and end the site's delay if at most `free` accounts are left."""
        ended = {"$cond": [{"$lte": [_accounts(now), free]}, NOT_BLOCKED, "$blocked_until"]}
        update = [{"$set": _failed(entry, at=entry.earlier)}, {"$set": {"blocked_until": ended}}]
        await self._counters.update_one({"_id": entry.site_key}, update)

    async def forget(self, key: str) -> None:
        """Delete a counter."""
        await self._counters.delete_one({"_id": key})

    async def take_back(self, key: str) -> None:
        """Subtract one failure and let the next attempt pass."""
        counted = {"_id": key, "failures": {"$gt": 0}}
        await self._counters.update_one(counted, {"$inc": {"failures": -1}, "$unset": {"blocked_until": True}})


def _lasting(values: Document, now: datetime) -> Document:
    return {"$set": {**values, "expires_at": now + _EXPIRES_AFTER}}


def _blocked(count: object, now: datetime, delay_after: DelayAfter) -> Document:
    delays = [delay_after(number) // _MILLISECOND for number in range(_MAX_COUNT + 1)]
    delay = {"$arrayElemAt": [delays, count]}
    return {"$set": {"blocked_until": {"$cond": [{"$gt": [delay, 0]}, {"$add": [now, delay]}, NOT_BLOCKED]}}}


def _failed(entry: Entry, *, at: datetime | None) -> Document:
    """Return the accounts that failed on a site with this one at another time; without a time it is none of them."""
    is_other = {"$ne": ["$$this.account", {"$literal": entry.account}]}
    others = {"$filter": {"input": {"$ifNull": ["$failed", []]}, "cond": is_other}}
    one = [] if at is None else [{"account": {"$literal": entry.account}, "at": at}]
    return {"failed": {"$slice": [{"$concatArrays": [others, one]}, -_MAX_ENTRIES]}}


def _accounts(now: datetime) -> Document:
    """Return how many accounts failed on a site, rounded up, each of which halves every hour."""
    halvings = {"$divide": [{"$subtract": ["$$this.at", now]}, _HALVES_IN // _MILLISECOND]}
    # A worker's clock may be a little ahead.
    weights = {"$map": {"input": "$failed", "as": "this", "in": {"$pow": [2, {"$min": [0, halvings]}]}}}
    return {"$toInt": {"$min": [{"$ceil": {"$sum": weights}}, _MAX_COUNT]}}
