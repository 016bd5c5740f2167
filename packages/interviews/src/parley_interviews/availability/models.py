"""What conflicts are read from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parley_interviews.models import Status


@dataclass(frozen=True)
class InterviewSpan:
    """When an interview is, who takes part in it, and whether that still counts."""

    status: Status
    user_ids: Sequence[str]
    scheduled_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Glimpse:
    """What shows which interview it is, and what decides whether a viewer may see that."""

    id: str
    title: str
    status: Status
    relation: str
