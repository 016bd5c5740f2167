"""What people answer to the time of an interview, and what was marked about them at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from parley_interviews.models import Participant, Status


class Answer(StrEnum):
    """What a participant answers to the time of an interview."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"


class Attended(StrEnum):
    """Whether a participant came."""

    PRESENT = "present"
    NO_SHOW = "no_show"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Rsvp:
    """A participant's answer, given for one version of the interview's schedule."""

    answer: Answer
    comment: str | None
    schedule_version: int
    answered_at: datetime


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Whether a participant came to an interview that was scheduled at this instant, and who marked it."""

    attended: Attended
    reason: str | None
    scheduled_at: datetime
    marked_by: str
    marked_at: datetime


@dataclass(frozen=True)
class PersonAttendance:
    """A participant with their answer and their mark, as far as there are any."""

    participant: Participant
    rsvp: Rsvp | None = None
    mark: Mark | None = None


@dataclass(frozen=True, kw_only=True)
class Attendance:
    """Everybody who takes part in an interview, with their answers and marks.

    Args:
        interview_id: the interview.
        status: its status.
        scheduled_at: its time.
        schedule_version: the version of its schedule, for which an answer must be given to count.
        people: in the order in which they were added.
        rev: how often an answer or a mark has changed.
    """

    interview_id: str
    status: Status
    scheduled_at: datetime
    schedule_version: int
    people: Sequence[PersonAttendance]
    rev: int

    def person(self, user_id: str) -> PersonAttendance | None:
        """Return one of the people; None where this user doesn't take part."""
        return next((person for person in self.people if person.participant.user_id == user_id), None)

    def with_person(self, changed: PersonAttendance) -> Sequence[PersonAttendance]:
        """Return the people with one of them changed."""
        user_id = changed.participant.user_id
        return [changed if person.participant.user_id == user_id else person for person in self.people]
