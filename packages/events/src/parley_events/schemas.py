"""An event of the log as it goes over the wire: on a page, in a stream, and in a delivery to a webhook."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from parley_core.http.schemas import Representation

EXAMPLE: JsonDict = {
    "id": "interview:665f1c2ab7e4f90d1c3a5b80:2",
    "position": 17,
    "type": "interview.started",
    "kind": "interview",
    "subject_id": "665f1c2ab7e4f90d1c3a5b80",
    "rev": 2,
    "at": "2027-03-01T09:31:00Z",
    "actor": "665f1c2ab7e4f90d1c3a5b77",
    "actor_role": "interviewer",
    "request_id": "4f3c2b1a",
    "reason": None,
    "changes": {"status": {"from": "scheduled", "to": "ongoing"}},
    "audience": ["665f1c2ab7e4f90d1c3a5b77", "665f1c2ab7e4f90d1c3a5b90"],
}


class LogEvent(Representation):
    """One change: who did what to what, when, from which value to which, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: str = Field(description="`<kind>:<subject_id>:<rev>`; never used again.")
    position: int = Field(
        description="The event's place in the log: 1, 2, 3, ... without gaps, in the order of the commits."
    )
    type: str = Field(description="What happened; `GET /v1/events/types` lists the types.")
    kind: str = Field(description="What it happened to, such as `interview` or `user`.")
    subject_id: str = Field(description="The id of what it happened to.")
    rev: int = Field(description="The number of the change of this subject: 1, 2, 3, ...")
    at: datetime
    actor: str | None = Field(description="The id of the user who did it; null for the system.")
    actor_role: str = Field(description="The role of the actor's account at that time.")
    request_id: str = Field(description="The `X-Request-ID` of the answer to the request that did it.")
    reason: str | None = Field(description="The actor's own words, if they gave any.")
    changes: Mapping[str, Any] = Field(
        description="Each changed field with the value before, `from`, and after, `to`. A long text is replaced by its "
        "length and SHA-256, a private value by `{}`."
    )
    audience: Sequence[str] = Field(description="The ids of the users concerned, before and after the change.")
