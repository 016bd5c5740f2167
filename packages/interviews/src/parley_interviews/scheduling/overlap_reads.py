"""Coalesced reads of overlaps: those that come while one is under way share the next query.

Nothing is remembered: each is answered by a query that was sent after it was asked for.
"""

from collections.abc import Sequence

from parley_core.data.batches import Batches, group_sizes
from parley_interviews.scheduling.overlaps import Busy
from parley_interviews.scheduling.repository import ScheduleRepository, Span

# So many reads wait in one process at most; that is seconds of its work.
_WAITING = 5000
# Each is a branch of the shared query.
_LARGEST = 32
_SLOW_SECONDS = 0.05
_SIZES = group_sizes("parley.overlaps.batch.size", "{read}", "Reads of overlaps that shared one query.")


class _TooMany(Exception):
    """A shared query has found as many interviews as one read may: each of the reads is answered by its own query."""


class OverlapReads:
    """Finds who is busy, for all who ask at that moment.

    Args:
        schedule: when people are busy.
        most: so many interviews are read for one of them at most.
        timeout_seconds: how long one waits whose caller has no deadline.
    """

    def __init__(self, schedule: ScheduleRepository, *, most: int, timeout_seconds: float) -> None:
        self._schedule = schedule
        self._most = most
        self._batches: Batches[None, Span, Sequence[Busy]] = Batches(
            self._settle,
            largest=_LARGEST,
            longest=_WAITING,
            patience=timeout_seconds,
            sizes=_SIZES,
            budget="overlaps_waiting",
            slow_seconds=_SLOW_SECONDS,
        )

    async def find(self, span: Span) -> Sequence[Busy]:
        """Return the open interviews of people that run during a span, in the order of their begin.

        Raises:
            Unavailable: too many reads wait, or this one has waited too long.
        """
        return await self._batches.submit(None, span)

    async def close(self) -> None:
        """Stop; those that wait are answered `Unavailable`."""
        await self._batches.close()

    async def _settle(self, _key: None, spans: Sequence[Span]) -> Sequence[Sequence[Busy]]:
        found = await self._schedule.overlapping_each(spans, limit=self._most)
        if found is None:
            raise _TooMany
        return found
