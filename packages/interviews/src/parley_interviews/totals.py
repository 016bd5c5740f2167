"""How many interviews there are, known without counting them: a count over a million costs a third of a second.

Interviews are never deleted, so their number is that of those created, and each is counted in the transaction that
creates it: exact at any moment, after any crash (docs/decisions/0013).
"""

import random

from pymongo.errors import DuplicateKeyError

from parley_core import Database, Session
from parley_interviews.indexes import INTERVIEWS, TOTALS

# Creations at the same time seldom meet on one counter, where one of them would have to begin anew.
_COUNTERS = 32
_BASE = "base"


class InterviewTotals:
    """Counts interviews."""

    def __init__(self, database: Database) -> None:
        self._interviews = database[INTERVIEWS]
        self._counters = database[TOTALS]

    async def begin(self) -> None:
        """Counts once what was there before anything was counted; whoever creates has seen that this is done."""
        if await self._counters.find_one({"_id": _BASE}) is not None:
            return
        number = await self._interviews.count_documents({})
        try:
            await self._counters.insert_one({"_id": _BASE, "n": number})
        except DuplicateKeyError:
            # Another worker has done it; his number stands, for mine may hold what was created since.
            return

    async def count(self, session: Session) -> None:
        """Counts one interview that the caller's transaction creates."""
        counter = f"{random.randrange(_COUNTERS):02}"  # noqa: S311 - spreads load, guards nothing
        await self._counters.update_one({"_id": counter}, {"$inc": {"n": 1}}, upsert=True, session=session)

    async def all(self) -> int:
        """The number of all interviews."""
        cursor = await self._counters.aggregate([{"$group": {"_id": None, "n": {"$sum": "$n"}}}])
        found = await cursor.to_list()
        return int(found[0]["n"]) if found else 0
