"""When people are busy: overlapping and touching times as one, and nothing outside of the span that is asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, order=True)
class BusyTime:
    """A time from its start up to its end, which doesn't belong to it."""

    starts_at: datetime
    ends_at: datetime


def merged(times: Iterable[BusyTime], begin: datetime, end: datetime) -> Sequence[BusyTime]:
    """Return what is covered by any of these times between two instants: in order, and none touches the next one.

    Args:
        times: in any order, each of which overlaps the span.
        begin: where the span begins, and at the earliest the first time.
        end: where the span ends, and at the latest the last time.
    """
    found: list[BusyTime] = []
    for time in sorted(times):
        starts_at, ends_at = max(time.starts_at, begin), min(time.ends_at, end)
        if found and starts_at <= found[-1].ends_at:
            last = found.pop()
            starts_at, ends_at = last.starts_at, max(last.ends_at, ends_at)
        found.append(BusyTime(starts_at, ends_at))
    return found
