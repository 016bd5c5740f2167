"""An interview as a calendar shows it."""

from dataclasses import dataclass
from datetime import datetime

from parley_interviews.models import Status


@dataclass(frozen=True, kw_only=True)
class Appointment:
    """An interview without what is internal: every participant may read all of it.

    Args:
        id: the interview.
        title: as its readers see it.
        description: the same.
        location: the same.
        scheduled_at: when it begins.
        ends_at: when it ends.
        time_zone: a key of the tz database.
        status: where it stands in its lifecycle.
        schedule_version: grows when its schedule changes and when it is cancelled.
        created_at: when it was created.
        updated_at: when it last changed.
    """

    id: str
    title: str
    description: str | None
    location: str | None
    scheduled_at: datetime
    ends_at: datetime
    time_zone: str
    status: Status
    schedule_version: int
    created_at: datetime
    updated_at: datetime

    @property
    def is_cancelled(self) -> bool:
        """Whether it doesn't take place."""
        return self.status is Status.CANCELLED
