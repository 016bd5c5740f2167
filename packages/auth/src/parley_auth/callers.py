"""What is read of the caller's account on every guarded request.

It stands alone because sessions and keys share it: requests with tokens and with keys that come together are one query.
"""

from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import Any

from parley_auth.indexes import USERS
from parley_core import Database, Document
from parley_core.data.point_reads import PointReader

_READ = dict.fromkeys(("role", "active", "token_version", "sessions.id", "sessions.ends_at"), True)


class CallerReader:
    """Reads role, activity, token version and sessions of accounts, fresh from the primary, and the keys in question.

    Of an account's keys, of which there may be fifty, only those are read that callers of this moment have sent.
    """

    def __init__(self, database: Database) -> None:
        self._reader = PointReader(database[USERS], self._projection)
        self._sent: Counter[str] = Counter()

    def begin(self, user_id: str) -> None:
        """Begin what `read` then returns in the same turn."""
        self._reader.begin(user_id)

    def read(self, user_id: str) -> Awaitable[Document | None]:
        """Return the account; None when there is none. Other callers may share it, so it must not be changed."""
        return self._reader.read(user_id)

    async def read_with_key(self, user_id: str, key_id: str) -> Document | None:
        """Return the same with the key of this id among its `keys`, if the account has it."""
        self._sent[key_id] += 1
        try:
            return await self._reader.read(user_id)
        finally:
            self._sent[key_id] -= 1
            if not self._sent[key_id]:
                del self._sent[key_id]

    def _projection(self) -> Mapping[str, Any]:
        """Return what the next query reads: whoever waits for it has noted the key that they need."""
        if not self._sent:
            return _READ
        stored, sent = {"$ifNull": ["$keys", []]}, {"$literal": list(self._sent)}
        return {**_READ, "keys": {"$filter": {"input": stored, "cond": {"$in": ["$$this.id", sent]}}}}
