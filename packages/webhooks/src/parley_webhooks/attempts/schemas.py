"""What goes over the wire about attempts."""

from datetime import datetime

from pydantic import ConfigDict, Field

from parley_core.http.pagination import CursorQuery
from parley_core.http.schemas import Representation
from parley_webhooks.models import Outcome
from parley_webhooks.policy import MAX_LISTED


class AttemptQuery(CursorQuery):
    """The page of the list of attempts."""

    offset: int = Field(0, ge=0, lt=MAX_LISTED, description="Items to skip.")


class Attempt(Representation):
    """One delivery that was tried, and what came back; the body of an answer is never kept."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "665f1c2ab7e4f90d1c3a5d31",
                    "position": 1208,
                    "event_id": "interview:665f1c2ab7e4f90d1c3a5b80:2",
                    "type": "interview.started",
                    "at": "2027-03-01T09:31:00Z",
                    "outcome": "failed",
                    "status": 503,
                    "reason": None,
                    "milliseconds": 42,
                }
            ]
        },
    )

    id: str
    position: int | None = Field(description="The event's position in the log; null for a test event.")
    event_id: str = Field(description="The `webhook-id` of the delivery: the same at each attempt of one event.")
    type: str
    at: datetime
    outcome: Outcome = Field(
        description="`delivered`; `failed`: it is tried again; or `refused`: the receiver will never take this event."
    )
    status: int | None = Field(description="The HTTP status of the answer; null where there was none.")
    reason: str | None = Field(
        description="Why there was no answer: `timeout`, `connection`, `tls`, `dns`, `protocol`, `refused` (an address "
        "that is not permitted), `too_large`, or `secret` (it can't be decrypted)."
    )
    milliseconds: int
