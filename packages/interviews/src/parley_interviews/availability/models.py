"""What conflicts are shown with."""

from dataclasses import dataclass

from parley_interviews.models import Status


@dataclass(frozen=True)
class Glimpse:
    """What shows which interview it is, and what decides whether a viewer may see that."""

    id: str
    title: str
    status: Status
    relation: str
