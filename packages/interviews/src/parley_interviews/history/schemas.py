"""What goes over the wire about the history of an interview."""

from pydantic import ConfigDict

from parley_core.http import history


class InterviewHistoryEntry(history.HistoryEntry):
    """One change: who did what, when, from which value to which, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rev": 2,
                    "type": "interview.started",
                    "at": "2027-03-01T09:31:00Z",
                    "actor": "665f1c2ab7e4f90d1c3a5b77",
                    "actor_role": "interviewer",
                    "reason": None,
                    "changes": {"status": {"from": "scheduled", "to": "ongoing"}},
                }
            ]
        }
    )
