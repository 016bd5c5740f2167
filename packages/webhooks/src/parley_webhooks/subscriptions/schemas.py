"""What goes over the wire about webhooks."""

from datetime import datetime
from typing import Annotated

from pydantic import MISSING, ConfigDict, Field, Strict
from pydantic.config import JsonDict

from parley_core.http.document.names import named
from parley_core.http.schemas import Body, Patch, Representation, WholeNumber
from parley_webhooks.models import Because
from parley_webhooks.transport.urls import MAX_URL_LENGTH

_MAX_TYPES = 100
_URL = "https://hooks.example.com/parley"
_TYPES = ["interview.created", "interview.rescheduled"]
_WEBHOOK: JsonDict = {
    "id": "665f1c2ab7e4f90d1c3a5c10",
    "url": _URL,
    "types": ["interview.created", "interview.rescheduled"],
    "active": True,
    "inactive_because": None,
    "position": 1207,
    "failures": 0,
    "failing_since": None,
    "next_attempt_at": None,
    "created_by": "665f1c2ab7e4f90d1c3a5b77",
    "created_at": "2027-03-01T09:30:00Z",
    "updated_at": "2027-03-01T09:30:00Z",
    "rev": 1,
}

Address = Annotated[
    str,
    Field(
        description="Where events are delivered: https, a host with public addresses only.",
        examples=[_URL],
        json_schema_extra={"format": "uri", "maxLength": MAX_URL_LENGTH, "pattern": "^[Hh][Tt][Tt][Pp][Ss]://[^#@]+$"},
    ),
]
EventTypeNames = Annotated[
    list[Annotated[str, Field(json_schema_extra=named("event type"))]],
    Field(
        max_length=_MAX_TYPES,
        description="Only events of these types; an empty list means all, also those that later releases add.",
        examples=[_TYPES],
    ),
]


class WebhookCreate(Body):
    """A new webhook."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": _URL, "types": [*_TYPES]}]})

    url: Address
    types: EventTypeNames = Field(default_factory=list)
    from_: WholeNumber | None = Field(
        None,
        alias="from",
        ge=0,
        description="Deliver what follows this position of the log, 0 for everything; unset: what follows from now on.",
    )


class WebhookUpdate(Patch):
    """A change of a webhook. Fields left out stay as they are."""

    url: Address | MISSING = MISSING
    types: EventTypeNames | MISSING = MISSING
    active: Annotated[bool, Strict()] | MISSING = Field(
        MISSING, description="false pauses the deliveries, true resumes them; the position stays."
    )


class Webhook(Representation):
    """A subscription to the log of all changes."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_WEBHOOK]})

    id: str
    url: str
    types: list[str] = Field(description="The types that are delivered; empty means all.")
    active: bool
    inactive_because: Because | None = Field(
        description="Why it is inactive: `paused` by an administrator, `gone` (the receiver answered 410), or "
        "`failing` (one event failed for five days)."
    )
    position: int = Field(description="Everything in the log up to here was delivered, refused or not wanted.")
    failures: int = Field(description="How often the next event has failed so far.")
    failing_since: datetime | None = Field(description="When the next event failed first.")
    next_attempt_at: datetime | None = Field(description="When the next event is tried again.")
    created_by: str
    created_at: datetime
    updated_at: datetime
    rev: int


class WebhookWithSecret(Webhook):
    """A webhook and the secret that its deliveries are signed with. It is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_WEBHOOK, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}]}
    )

    secret: str = Field(description="Verify deliveries with it, as Standard Webhooks says; it is never shown again.")
