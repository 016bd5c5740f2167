"""Who may answer and mark, and which answers and marks count; no I/O."""

from collections.abc import Mapping
from datetime import datetime

from parley_interviews.attendance.models import Attendance, Mark, PersonAttendance, Rsvp
from parley_interviews.models import ParticipantRole, Status
from parley_interviews.policy import MARK, MARK_INTERVIEWERS, as_recorded


def action_of_marking(person: PersonAttendance | None) -> str:
    """Return the action of marking a person: interviewers mark candidates, administrators everybody."""
    is_interviewer = person is not None and person.participant.participant_role is ParticipantRole.INTERVIEWER
    return MARK_INTERVIEWERS if is_interviewer else MARK


def is_current(attendance: Attendance, rsvp: Rsvp) -> bool:
    """Return whether an answer was given for the present schedule: a move asks again, a new title doesn't."""
    return rsvp.schedule_version == attendance.schedule_version


def counts(attendance: Attendance, mark: Mark) -> bool:
    """Return whether a mark was made about the present time: a cancellation or a longer interview keeps it."""
    return mark.scheduled_at == attendance.scheduled_at


def has_begun(attendance: Attendance, now: datetime) -> bool:
    """Return whether somebody can have come: the interview was started, or its time has come."""
    return attendance.status is not Status.SCHEDULED or now >= attendance.scheduled_at


def changed_answer(before: Rsvp | None, wanted: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """Return what an event says of an answer: the fields that differ from the one before, which may be none."""
    pairs = {name: (getattr(before, name, None), value) for name, value in wanted.items()}
    return {name: (as_recorded(name, old), as_recorded(name, new)) for name, (old, new) in pairs.items() if old != new}
