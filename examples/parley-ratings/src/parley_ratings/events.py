"""What can happen to a rating."""

from parley_core import EventType

RATING_SUBMITTED = EventType("rating.submitted", "An interviewer rated an interview.")

EVENTS = [RATING_SUBMITTED]
