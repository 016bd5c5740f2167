"""Ratings."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Rating:
    """What one interviewer thinks of one interview; `rating` runs from 1, a clear no, to 4, a clear yes."""

    id: str
    interview_id: str
    author_id: str
    rating: int
    notes: str
    created_at: datetime
