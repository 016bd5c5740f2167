"""What a list asks for."""

from dataclasses import dataclass
from datetime import datetime

from parley_interviews.models import Status


@dataclass(frozen=True, kw_only=True)
class InterviewFilter:
    """Which interviews a list holds; what is empty or None narrows nothing.

    Args:
        participant: the user who takes part.
        statuses: any of them.
        interview_types: any of them.
        words: stored words of the title, all of them.
        external_id: their name in another system.
        scheduled_from: the earliest time.
        scheduled_to: the time before which they are scheduled.
        overlaps_from: the time after which they end.
        overlaps_to: the time before which they begin.
        updated_from: the earliest time of their last change.
    """

    participant: str | None = None
    statuses: tuple[Status, ...] = ()
    interview_types: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    external_id: str | None = None
    scheduled_from: datetime | None = None
    scheduled_to: datetime | None = None
    overlaps_from: datetime | None = None
    overlaps_to: datetime | None = None
    updated_from: datetime | None = None
