"""What goes over the wire about pages of the log."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from parley_core.http.document.names import named
from parley_core.http.schemas import Id, Instant, Representation
from parley_events.schemas import LogEvent

_LARGEST = 2**63 - 1
_MAX_TYPES = 100

Position = Annotated[int, Field(ge=0, le=_LARGEST)]


EventTypeName = Annotated[str, Field(json_schema_extra=named("event type"))]


class Selection(BaseModel):
    """Where to begin, and which types of events."""

    after: Position = Field(0, description="Only events at later positions: the `after` of the last answer.")
    type: list[EventTypeName] = Field(
        default_factory=list, max_length=_MAX_TYPES, description="Only events of this type; repeat it for several."
    )


class EventQuery(Selection):
    """Filters and page of the log. Events that meet all filters are listed."""

    limit: int = Field(20, ge=1, le=100, description="Items in a page.")
    subject_id: Id | None = Field(None, description="Only what happened to this interview, user, ...")
    actor: Id | None = Field(None, description="Only what this user did.")
    since: Instant | None = Field(None, alias="from", description="Only what happened at this time or later.")
    until: Instant | None = Field(None, alias="to", description="Only what happened before this time.")


class EventPage(Representation):
    """A page of the log."""

    items: list[LogEvent]
    after: int = Field(
        description="Send it as `after` next time: everything up to this position was looked at.", examples=[17]
    )
    limit: int
    next: str | None = Field(description="The address of the next page, with the same filters; null on the last one.")


class EventType(Representation):
    """Something that can happen."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "interview.started", "description": "A scheduled interview started."}]}
    )

    name: str = Field(description="`<kind>.<what happened>`.")
    description: str
