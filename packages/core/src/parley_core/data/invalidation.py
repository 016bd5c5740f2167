"""Generations: counters that say whether a cached list may still be used, advanced by every recorded write.

A reader captures the generation of a key before its query and stores under it; a writer advances it after its write and
before its answer. So what is stored under the present generation contains every acknowledged write, on any worker.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure

from parley_core.data.deadline import remaining, time_is_over
from parley_core.data.documents import Document, Session
from parley_core.data.events import Invalidation
from parley_core.data.point_reads import PointReader
from parley_core.log_lines import LogLine
from parley_core.waiting import Rounds

GENERATIONS = "cache_generations"
_log = logging.getLogger("parley.relay")


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
        self._rounds: Rounds[str] = Rounds(self._write)

    @property
    def types(self) -> Collection[str]:
        """The names of the event types for which there are rules."""
        return self._rules.keys()

    async def current(self, key: str) -> int:
        """Return the generation of `key` now; 0 when nothing was invalidated yet."""
        found = await self._reader.read(key)
        return int(found["n"]) if found else 0

    def begin(self, key: str) -> None:
        """Begin reading the generation of `key`, which `current` then returns in the same turn."""
        self._reader.begin(key)

    def invalidated_by(self, entries: Iterable[Mapping[str, Any]]) -> set[str]:
        """Return the keys that recorded events invalidate."""
        return {key for entry in entries for rule in self._rules.get(entry["type"], ()) for key in rule.keys(entry)}

    def invalidated_by_others(self, entry: Mapping[str, Any]) -> set[str]:
        """Return the keys that somebody else's event invalidates; a rule that fails is reported and left out."""
        try:
            return self.invalidated_by([entry])
        except Exception:  # noqa: BLE001 - reported; a plugin's wrong rule must not stop what isn't about its event
            line = LogLine(
                "invalidation_failed",
                "an invalidation rule failed for event {event_id} ({type})",
                event_id=str(entry["_id"]),
                type=str(entry["type"]),
            )
            _log.exception(line)
            return set()

    async def advance(self, keys: Collection[str], session: Session | None = None) -> None:
        """Raise the generations of these keys.

        Without a transaction, those who ask while a write is under way share the next one: an answer
        that was stored under a lower number is invalid, by however much it is lower.

        Args:
            keys: the generations.
            session: a transaction, with which the counters grow.

        Raises:
            PyMongoError: it isn't known whether they have grown, or the caller's `pymongo.timeout` is over.
        """
        if session is not None:
            await self._write(keys, session)
        elif keys:
            try:
                await self._rounds.join(keys, seconds=remaining())
            except TimeoutError:
                raise time_is_over() from None

    async def _write(self, keys: Iterable[str], session: Session | None = None) -> None:
        wanted = sorted(keys)
        if not wanted or (session is None and await self._are_grown(wanted)):
            return
        steps = [UpdateOne({"_id": key}, {"$inc": {"n": 1}}, upsert=True) for key in wanted]
        await self._counters.bulk_write(steps, ordered=False, session=session)

    async def _are_grown(self, keys: Sequence[str]) -> bool:
        """Raise those of the counters that exist, for half of what it takes to create them; return whether all do."""
        try:
            done = await self._counters.update_many({"_id": {"$in": keys}}, {"$inc": {"n": 1}})
        except ConnectionFailure as error:
            if error.timeout:
                raise
            # The driver doesn't repeat what changes several documents. To raise them once more does no harm.
            return False
        return done.matched_count == len(keys)

    async def close(self) -> None:
        """Stop; whoever still waits doesn't learn whether the counters have grown."""
        await self._rounds.close()
