"""What goes over the wire about single interviews."""

import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import MISSING, AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from parley_core.http.patterns import ALL_VISIBLE, VISIBLE_PARAGRAPHS, Shown
from parley_core.http.schemas import (
    Body,
    Instant,
    Line,
    Paragraphs,
    Patch,
    Remark,
    Representation,
    Visible,
    WholeNumber,
)
from parley_core.visible import is_visible
from parley_interviews.models import ParticipantRole, Status
from parley_interviews.participants.schemas import Assignment, ConflictRule
from parley_interviews.policy import MAX_MINUTES, MAX_PARTICIPANTS

_ID = "665f1c2ab7e4f90d1c3a5b77"
_DETAILS: JsonDict = {
    "title": "Backend engineer, second round",
    "interview_type": "technical",
    "scheduled_at": "2027-03-01T09:30:00Z",
    "duration_minutes": 60,
    "time_zone": "Europe/Berlin",
    "description": "System design, then questions.",
    "notes": "Ask about the outage.",
    "location": "Room 4",
    "external_id": "ats:application/4711",
}
_INTERVIEW: JsonDict = {
    "id": _ID,
    **_DETAILS,
    "status": "scheduled",
    "ends_at": "2027-03-01T10:30:00Z",
    "created_by": _ID,
    "created_at": "2027-02-20T08:00:00Z",
    "updated_at": "2027-02-20T08:00:00Z",
    "rev": 1,
    "schedule_version": 0,
    "my_role": "interviewer",
    "allowed_transitions": ["ongoing", "cancelled"],
}

# The tz database's own name for "not configured yet".
_NO_PLACE = "Factory"


@cache
def _time_zones() -> frozenset[str]:
    # Not zoneinfo's list, which also has a machine's own "localtime", and what else lies in its folders.
    names = files("tzdata").joinpath("zones").read_text("utf-8").split()
    return frozenset(names) - {_NO_PLACE}


def _time_zone_pattern() -> str:
    """Return a pattern of all names: an enum of 600 would be a type of its own in every generated client."""
    return f"^({'|'.join(map(re.escape, sorted(_time_zones())))})$".replace("\\-", "-")


def _known_time_zone(name: str) -> str:
    if name not in _time_zones():
        raise PydanticCustomError("time_zone", "Must be a name of the tz database, like Europe/Berlin")
    return name


def _each_visible(text: str) -> str:
    if not all(map(is_visible, text)):
        raise PydanticCustomError("visible", "Must consist of visible characters, without spaces")
    return text


_VISIBLE = Shown({"pattern": VISIBLE_PARAGRAPHS})
Title = Annotated[Line, StringConstraints(max_length=200)]
InterviewType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,50}$")]
Duration = Annotated[WholeNumber, Field(ge=1, le=MAX_MINUTES, description="Minutes.")]
TimeZone = Annotated[str, AfterValidator(_known_time_zone), Shown({"pattern": _time_zone_pattern()})]
Description = Annotated[Paragraphs, StringConstraints(min_length=1, max_length=5000, pattern=r"\S"), Visible, _VISIBLE]
Notes = Annotated[Description, Field(description="For administrators and the interview's interviewers alone.")]
Location = Annotated[Line, StringConstraints(max_length=200)]
ExternalId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    AfterValidator(_each_visible),
    Shown({"pattern": ALL_VISIBLE}),
]
Reason = Annotated[Remark, StringConstraints(max_length=500)]


class InterviewCreate(Body):
    """A new interview; its status is scheduled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_DETAILS, "participants": [{"user_email": "ada@example.com"}]}]}
    )

    title: Title
    interview_type: InterviewType
    scheduled_at: Instant
    duration_minutes: Duration = 60
    time_zone: TimeZone = "UTC"
    description: Description | None = None
    notes: Notes | None = None
    location: Location | None = None
    on_conflict: ConflictRule | None = None
    external_id: ExternalId | None = Field(
        None,
        description="Your own name for the interview, such as its id in another system; no other interview has it. "
        "Sent again, it is answered with the interview that has it, which stays as it is.",
    )
    participants: list[Assignment] = Field(default_factory=list, max_length=MAX_PARTICIPANTS)


class InterviewUpdate(Patch):
    """A change of details; another time, duration or time zone is a reschedule."""

    title: Title | MISSING = MISSING
    interview_type: InterviewType | MISSING = MISSING
    scheduled_at: Instant | MISSING = Field(MISSING, examples=["2027-03-02T09:30:00Z"])
    duration_minutes: Duration | MISSING = MISSING
    time_zone: TimeZone | MISSING = MISSING
    description: Description | MISSING | None = MISSING
    notes: Notes | MISSING | None = MISSING
    location: Location | MISSING | None = MISSING
    external_id: ExternalId | MISSING | None = MISSING
    on_conflict: ConflictRule | None = None
    reason: Reason | None = Field(None, examples=["The interviewer is ill"])


class StatusChange(Body):
    """The status that the interview gets."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ongoing"}]})

    status: Status
    reason: Reason | None = None


class Interview(Representation):
    """An interview as its viewer sees it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_INTERVIEW]})

    id: str
    title: str
    interview_type: str
    description: str | None
    notes: str | None = Field(description="Shown to administrators and the interview's interviewers; null for others.")
    status: Status
    scheduled_at: datetime
    duration_minutes: int
    ends_at: datetime
    time_zone: str
    location: str | None
    external_id: str | None = Field(description="Its name in another system; shown to whoever reads the interview.")
    created_by: str
    created_at: datetime
    updated_at: datetime
    rev: int
    schedule_version: int
    my_role: ParticipantRole | None = Field(description="As what this caller takes part; null when they don't.")
    allowed_transitions: list[Status] = Field(description="The statuses to which this caller may bring it now.")
