"""What can happen to an interview."""

from parley_core import EventType
from parley_interviews.models import Participant

INTERVIEW_CREATED = EventType("interview.created", "An administrator planned an interview.")
INTERVIEW_UPDATED = EventType("interview.updated", "Its details changed, its time did not.")
INTERVIEW_RESCHEDULED = EventType("interview.rescheduled", "Its time, duration or time zone changed.")
INTERVIEW_STARTED = EventType("interview.started", "It began.")
INTERVIEW_COMPLETED = EventType("interview.completed", "It ended as planned.")
INTERVIEW_CANCELLED = EventType("interview.cancelled", "It was called off.")
PARTICIPANT_ADDED = EventType("interview.participant_added", "Somebody was assigned to it.")
PARTICIPANT_REMOVED = EventType("interview.participant_removed", "Somebody was taken off it.")

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


def told(participant: Participant) -> dict[str, str]:
    """A participant as events name him."""
    return {"user_id": participant.user_id, "participant_role": participant.participant_role}
