"""The events of interviews, and how they name people."""

from parley_core import EventType, Expression
from parley_interviews.models import Participant

INTERVIEW_CREATED = EventType(
    "interview.created",
    "An interview was created; `changes` has its details, its end, its participants with their roles, and as "
    "`conflicts` the overlaps that it makes.",
)
INTERVIEW_UPDATED = EventType(
    "interview.updated", "Details of an interview changed, but not its schedule; `changes` has both values of each."
)
INTERVIEW_RESCHEDULED = EventType(
    "interview.rescheduled",
    "The time, duration or time zone of an interview changed; `changes` has both values of each, of the end and of "
    "other details that changed with it, and as `conflicts` the overlaps that it makes; `reason` says why, if the "
    "actor gave a reason.",
)
INTERVIEW_STARTED = EventType("interview.started", "An interview started: a scheduled one is ongoing now.")
INTERVIEW_COMPLETED = EventType("interview.completed", "An interview was completed: an ongoing one is over.")
INTERVIEW_CANCELLED = EventType(
    "interview.cancelled",
    "A scheduled interview was cancelled; `actor` is who did it, and `reason` says why, if they gave a reason.",
)
PARTICIPANT_ADDED = EventType(
    "interview.participant_added",
    "A participant was added to an interview; `changes` has their id and their role in it, and as `conflicts` the "
    "overlaps that it makes.",
)
PARTICIPANT_REMOVED = EventType(
    "interview.participant_removed",
    "A participant was removed from an interview; `changes` has their id and the role that they had in it.",
)
ATTENDANCE_ANSWERED = EventType(
    "attendance.answered",
    "A participant answered whether they are coming to an interview, whose id is the subject; `changes` names them and "
    "has both values of their `answer`, its `schedule_version` and, as length and SHA-256 alone, its `comment`.",
)
ATTENDANCE_MARKED = EventType(
    "attendance.marked",
    "Somebody marked whether a participant came to an interview, whose id is the subject; `changes` names the "
    "participant and has both values of `attended`, and `reason` says why, if the actor gave a reason.",
)

INTERVIEW_EVENTS = [
    INTERVIEW_CREATED,
    INTERVIEW_UPDATED,
    INTERVIEW_RESCHEDULED,
    INTERVIEW_STARTED,
    INTERVIEW_COMPLETED,
    INTERVIEW_CANCELLED,
    PARTICIPANT_ADDED,
    PARTICIPANT_REMOVED,
]
"""The events that change what lists of interviews show."""

EVENTS = [*INTERVIEW_EVENTS, ATTENDANCE_ANSWERED, ATTENDANCE_MARKED]


def participant_entry(participant: Participant) -> dict[str, str]:
    """Return a participant as events name them."""
    return {"user_id": participant.user_id, "participant_role": participant.participant_role}


def audience_with(*user_ids: str) -> Expression:
    """Return the audience of an event: everybody who takes part before the change, and these users."""
    present = {"$ifNull": ["$participants.user_id", []]}
    return Expression({"$setUnion": [present, [{"$literal": user_id} for user_id in user_ids]]})


PARTICIPANTS = audience_with()
"""The audience of an event that concerns nobody but the participants."""
