"""What can happen to a rating."""

from parley_core import EventType

RATING_SUBMITTED = EventType(
    "rating.submitted",
    "An interviewer rated an interview; `changes` has the interview and the rating, but not the notes.",
)

EVENTS = [RATING_SUBMITTED]
