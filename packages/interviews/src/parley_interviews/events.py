"""The events of interviews, and how they name people."""

from parley_core import EventType, Expression
from parley_interviews.models import Participant

INTERVIEW_CREATED = EventType(
    "interview.created", "An administrator created an interview, with the details and participants in `changes`."
)
INTERVIEW_UPDATED = EventType("interview.updated", "The details of an interview changed, but not its schedule.")
INTERVIEW_RESCHEDULED = EventType(
    "interview.rescheduled",
    "The time, duration or time zone of an interview changed from one to another; other details may have changed too.",
)
INTERVIEW_STARTED = EventType("interview.started", "A scheduled interview started.")
INTERVIEW_COMPLETED = EventType("interview.completed", "An ongoing interview was completed.")
INTERVIEW_CANCELLED = EventType(
    "interview.cancelled", "A scheduled interview was cancelled; `actor` is who did it, `reason` why if they said so."
)
PARTICIPANT_ADDED = EventType(
    "interview.participant_added", "A participant was added to an interview, in the role in `changes`."
)
PARTICIPANT_REMOVED = EventType("interview.participant_removed", "A participant was removed from an interview.")

EVENTS = [
    INTERVIEW_CREATED,
    INTERVIEW_UPDATED,
    INTERVIEW_RESCHEDULED,
    INTERVIEW_STARTED,
    INTERVIEW_COMPLETED,
    INTERVIEW_CANCELLED,
    PARTICIPANT_ADDED,
    PARTICIPANT_REMOVED,
]


def participant_entry(participant: Participant) -> dict[str, str]:
    """Return a participant as events name them."""
    return {"user_id": participant.user_id, "participant_role": participant.participant_role}


def audience_with(*user_ids: str) -> Expression:
    """Return the audience of an event: everybody who takes part before the change, and these users."""
    present = {"$ifNull": ["$participants.user_id", []]}
    return Expression({"$setUnion": [present, [{"$literal": user_id} for user_id in user_ids]]})


PARTICIPANTS = audience_with()
"""The audience of an event that concerns nobody but the participants."""
