"""Interviews and the people who take part in them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from parley_auth import OUTSIDER

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for an instant that a stored document lacks; no interview is older."""

UNKNOWN_USER = "0" * 24
"""Stands for a user that a stored document doesn't name; nobody has this id."""


class Status(StrEnum):
    """The states of an interview's lifecycle."""

    SCHEDULED = "scheduled"
    ONGOING = "ongoing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ParticipantRole(StrEnum):
    """The roles in which people take part."""

    INTERVIEWER = "interviewer"
    CANDIDATE = "candidate"


class OnConflict(StrEnum):
    """What becomes of a write that makes interviews of somebody overlap."""

    ALLOW = "allow"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Participant:
    """Somebody who takes part: who added them, and when."""

    user_id: str
    participant_role: ParticipantRole
    added_by: str
    added_at: datetime


@dataclass(frozen=True)
class Participants:
    """Who takes part in an interview at one revision of it, in the order in which they were added, and when it is."""

    id: str
    rev: int
    status: Status
    schedule_version: int
    scheduled_at: datetime
    ends_at: datetime
    present: tuple[Participant, ...]

    def relation_of(self, user_id: str) -> str:
        """Return as what somebody takes part; `OUTSIDER` for whoever doesn't."""
        return next((str(one.participant_role) for one in self.present if one.user_id == user_id), OUTSIDER)


@dataclass(frozen=True)
class FormerParticipant(Participant):
    """Somebody who took part: as what the last time, who removed them, and when."""

    removed_by: str | None
    removed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Details:
    """The part of an interview that administrators write.

    `time_zone` is a key of the tz database; `notes` are for those who may read what is internal;
    `external_id` is the caller's own name for the interview, which no other one has.
    """

    title: str
    interview_type: str
    scheduled_at: datetime
    duration_minutes: int
    time_zone: str
    description: str | None
    notes: str | None
    location: str | None
    external_id: str | None


@dataclass(frozen=True, kw_only=True)
class Interview(Details):
    """An interview without its participants and its history."""

    id: str
    status: Status
    ends_at: datetime
    rev: int
    schedule_version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
