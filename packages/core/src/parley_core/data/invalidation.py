"""Generations: counters that say whether a cached list may still be used, advanced by every recorded write.

A reader captures the generation of a key before its query and stores under it; a writer advances it after its write and
before its answer. So what is stored under the present generation contains every acknowledged write, on any worker.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from parley_core.data.documents import Document, Session
from parley_core.data.events import Invalidation
from parley_core.data.point_reads import PointReader

GENERATIONS = "cache_generations"


class Generations:
    """The generations of one application's database.

    Args:
        database: where the counters are stored.
        rules: the invalidation rules of all plugins, by the name of the event type.
    """

    def __init__(self, database: AsyncDatabase[Document], rules: Mapping[str, Sequence[Invalidation]]) -> None:
        self._counters = database[GENERATIONS]
        self._reader = PointReader(self._counters, {"n": True})
        self._rules = rules

    async def current(self, key: str) -> int:
        """Return the generation of `key` now; 0 when nothing was invalidated yet."""
        found = await self._reader.read(key)
        return int(found["n"]) if found else 0

    def invalidated_by(self, entries: Iterable[Mapping[str, Any]]) -> set[str]:
        """Return the keys that recorded events invalidate."""
        return {key for entry in entries for rule in self._rules.get(entry["type"], ()) for key in rule.keys(entry)}

    async def advance(self, keys: Iterable[str], session: Session | None = None) -> None:
        """Raise the generations of these keys by one."""
        if steps := [UpdateOne({"_id": key}, {"$inc": {"n": 1}}, upsert=True) for key in sorted(keys)]:
            await self._counters.bulk_write(steps, ordered=False, session=session)
