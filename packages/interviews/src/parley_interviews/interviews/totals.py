"""How many interviews there are, known without counting them: a count over a million costs a third of a second.

Interviews are never deleted, so their number is that of those created, and each is counted in the transaction that
creates it: exact at any moment, after any crash (docs/decisions/0013). What others write is counted later.
"""

import random

from parley_core import Database, Session
from parley_core.data.keyset import Counting
from parley_interviews.indexes import INTERVIEWS, TOTALS

# With several counters, concurrent creations seldom conflict on one of them and have to be repeated.
_COUNTERS = 32
_BASE = "base"


class InterviewTotals:
    """Counts interviews."""

    ALL = Counting(TOTALS, [{"$group": {"_id": None, "n": {"$sum": "$n"}}}, {"$project": {"_id": False}}])
    """What knows the number of all interviews without counting them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._interviews = database[INTERVIEWS]
        self._counters = database[TOTALS]

    async def begin(self) -> None:
        """Count once what was there before anything was counted; no interview is created before this is done."""
        if await self._counters.find_one({"_id": _BASE}) is not None:
            return
        number = await self._interviews.count_documents({})
        # Where another worker has stored its number, that one is right: this one may include what was created since.
        await self._counters.update_one({"_id": _BASE}, {"$setOnInsert": {"n": number}}, upsert=True)

    async def correct(self) -> int:
        """Count all interviews, and return by how many the total was wrong; it is right then.

        It goes wrong where something else writes: a release that doesn't count, a restore of one collection.
        """
        # Both as of one instant, however many are created meanwhile.
        async with self._database.client.start_session(snapshot=True) as snapshot:
            counters = await self._counters.find(session=snapshot).to_list()
            counted = await self._interviews.aggregate([{"$count": "n"}], session=snapshot)
            number = sum(found["n"] for found in await counted.to_list())
        stored = {counter["_id"]: counter["n"] for counter in counters}
        if not (missing := number - sum(stored.values())):
            return 0
        # Of several workers one corrects.
        where = {"_id": _BASE, "n": stored.get(_BASE)}
        return missing if (await self._counters.update_one(where, {"$inc": {"n": missing}})).matched_count else 0

    async def count(self, number: int, session: Session) -> None:
        """Count the interviews that the caller's transaction creates."""
        counter = f"{random.randrange(_COUNTERS):02}"  # noqa: S311 - spreads load, guards nothing
        await self._counters.update_one({"_id": counter}, {"$inc": {"n": number}}, upsert=True, session=session)

    async def all(self) -> int:
        """Return the number of all interviews."""
        found = await (await self._counters.aggregate(self.ALL.pipeline)).to_list()
        return int(found[0]["n"]) if found else 0
