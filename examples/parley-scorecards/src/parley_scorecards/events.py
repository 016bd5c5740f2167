"""What can happen to a scorecard."""

from parley_core import EventType

SCORECARD_SUBMITTED = EventType("scorecard.submitted", "An interviewer left his scorecard for an interview.")

EVENTS = [SCORECARD_SUBMITTED]
