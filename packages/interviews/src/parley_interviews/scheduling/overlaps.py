"""When people are busy: spans are half-open, so that an interview may begin when another one ends."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Busy:
    """Somebody takes part in an open interview from one instant until before another one."""

    user_id: str
    interview_id: str
    scheduled_at: datetime
    ends_at: datetime
