"""Which interviews overlap: spans are half-open, so that an interview may begin when another one ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from parley_core.errors import FieldError
from parley_interviews.errors import ScheduleConflict

MOST_RECORDED = 100
"""So many overlaps stand in the history of a write at most, so that no entry grows without limit."""

# So many of somebody's interviews are named in a refusal.
_MOST_NAMED = 3


@dataclass(frozen=True)
class Busy:
    """Somebody takes part in an open interview from one instant until before another one."""

    user_id: str
    interview_id: str
    scheduled_at: datetime
    ends_at: datetime


def as_change(conflicts: Sequence[Busy]) -> dict[str, tuple[None, object]]:
    """Return what the event of a write says of the overlaps that it was allowed to make: nothing where there are none.

    It names ids alone, of the first overlaps by time.
    """
    if not conflicts:
        return {}
    named = [{"user_id": busy.user_id, "interview_id": busy.interview_id} for busy in conflicts[:MOST_RECORDED]]
    return {"conflicts": (None, named)}


def refusal(conflicts: Iterable[Busy], pointers: Mapping[str, str]) -> ScheduleConflict:
    """Return the error that names everybody who is busy, and of the interviews in which they are nothing but the time.

    Args:
        conflicts: in the order of their begin.
        pointers: user id -> where the body names the person, or what makes them busy twice; in the body's order.
    """
    by_person = {user_id: list[Busy]() for user_id in pointers}
    for busy in conflicts:
        by_person[busy.user_id].append(busy)
    entries = [
        FieldError(pointers[user_id], ScheduleConflict.code, _message(user_id, all_busy))
        for user_id, all_busy in by_person.items()
        if all_busy
    ]
    return ScheduleConflict(errors=entries)


def _message(user_id: str, all_busy: Sequence[Busy]) -> str:
    # Two interviews at the same time are one time in which somebody is busy.
    times = [span for span, _ in groupby((busy.scheduled_at, busy.ends_at) for busy in all_busy)]
    named = " and ".join(f"from {_written(begin)} to {_written(end)}" for begin, end in times[:_MOST_NAMED])
    more = f", and {len(times) - _MOST_NAMED} times more" if len(times) > _MOST_NAMED else ""
    return f"User {user_id} is busy {named}{more}"


def _written(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
