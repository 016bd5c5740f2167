"""What the endpoints of interviews take and answer."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Self

from pydantic import MISSING, AfterValidator, ConfigDict, Field, Strict, StringConstraints, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from parley_auth.emails import Email
from parley_core import PageQuery
from parley_core.http.schemas import Body, Id, Instant, Line, Paragraphs, Patch, Representation
from parley_interviews.models import ParticipantRole, Status
from parley_interviews.policy import MAX_PARTICIPANTS, words_of

_MAX_WORDS = 10
_ID = "665f1c2ab7e4f90d1c3a5b77"
_DETAILS: JsonDict = {
    "title": "Backend engineer, second round",
    "interview_type": "technical",
    "scheduled_at": "2027-03-01T09:30:00Z",
    "duration_minutes": 60,
    "time_zone": "Europe/Berlin",
    "description": "System design, then questions.",
    "location": "Room 4",
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
    "allowed_transitions": ["ongoing", "cancelled"],
}


@cache
def _time_zones() -> frozenset[str]:
    # Not zoneinfo's list, in which a machine's own "localtime" stands too.
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


def _known_time_zone(name: str) -> str:
    if name not in _time_zones():
        raise PydanticCustomError("time_zone", "Must be a name of the tz database, like Europe/Berlin")
    return name


def _with_words(text: str) -> str:
    if not 0 < len(words_of(text)) <= _MAX_WORDS:
        raise PydanticCustomError("words", "Must hold 1 to {most} words", {"most": _MAX_WORDS})
    return text


Title = Annotated[Line, StringConstraints(max_length=200)]
InterviewType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,50}$")]
Duration = Annotated[int, Strict(), Field(ge=1, le=1440, description="Minutes.")]
TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
Description = Annotated[Paragraphs, StringConstraints(min_length=1, max_length=5000, pattern=r"\S")]
Location = Annotated[Line, StringConstraints(max_length=200)]
Reason = Annotated[Line, StringConstraints(max_length=500)]


class Assignment(Body):
    """Somebody to take part, named by id or by e-mail; the role follows the account when it is left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_email": "ada@example.com"}]})

    user_id: Id | None = None
    user_email: Email | None = None
    participant_role: ParticipantRole | None = None

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if (self.user_id is None) == (self.user_email is None):
            raise PydanticCustomError("one_of", "Name the user by user_id or by user_email")
        return self


class InterviewCreate(Body):
    """A new interview; it starts as scheduled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_DETAILS, "participants": [{"user_email": "ada@example.com"}]}]}
    )

    title: Title
    interview_type: InterviewType
    scheduled_at: Instant
    duration_minutes: Duration = 60
    time_zone: TimeZone = "UTC"
    description: Description | None = None
    location: Location | None = None
    participants: list[Assignment] = Field(default_factory=list, max_length=MAX_PARTICIPANTS)


class InterviewUpdate(Patch):
    """A change of details; moving `scheduled_at` is a reschedule."""

    title: Title | MISSING = MISSING
    interview_type: InterviewType | MISSING = MISSING
    scheduled_at: Instant | MISSING = Field(MISSING, examples=["2027-03-02T09:30:00Z"])
    duration_minutes: Duration | MISSING = MISSING
    time_zone: TimeZone | MISSING = MISSING
    description: Description | MISSING | None = MISSING
    location: Location | MISSING | None = MISSING
    reason: Reason | None = Field(None, examples=["The interviewer is ill"])


class StatusChange(Body):
    """The status to bring the interview to."""

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
    status: Status
    scheduled_at: datetime
    duration_minutes: int
    ends_at: datetime
    time_zone: str
    location: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    rev: int
    schedule_version: int
    allowed_transitions: list[Status] = Field(description="Where this caller may bring it now.")


class Participant(Representation):
    """Somebody who takes part."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": _ID,
                    "participant_role": "candidate",
                    "name": "Ada Lovelace",
                    "email": "ada@example.com",
                    "added_by": _ID,
                    "added_at": "2027-02-20T08:00:00Z",
                }
            ]
        }
    )

    user_id: str
    participant_role: ParticipantRole
    name: str | None
    email: str | None = Field(description="Shown to administrators and interviewers, and everyone's own to himself.")
    added_by: str
    added_at: datetime


class HistoryEntry(Representation):
    """One change: who did what, when, from what to what and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rev": 2,
                    "type": "interview.started",
                    "at": "2027-03-01T09:31:00Z",
                    "actor": _ID,
                    "actor_role": "interviewer",
                    "reason": None,
                    "changes": {"status": {"from": "scheduled", "to": "ongoing"}},
                }
            ]
        }
    )

    rev: int
    type: str
    at: datetime
    actor: str | None
    actor_role: str
    reason: str | None
    changes: dict[str, Any]


class InterviewQuery(PageQuery):
    """The list of interviews: administrators see all, everyone else his own."""

    sort: str | None = Field(
        None, description="`created_at`, `scheduled_at`, `title`, `status`, with commas between; `-` for descending."
    )
    cursor: str | None = Field(None, description="From `next`: continues there, whatever has come or gone since.")
    status: list[Status] = Field(default_factory=list, max_length=4)
    interview_type: list[InterviewType] = Field(default_factory=list, max_length=20)
    scheduled_from: Instant | None = Field(None, description="At this time or later.")
    scheduled_to: Instant | None = Field(None, description="Before this time.")
    participant_id: Id | None = Field(None, description="Who takes part; for administrators.")
    q: Annotated[str, StringConstraints(max_length=200), AfterValidator(_with_words)] | None = Field(
        None, description="Whole words of the title, all of them, without regard to case."
    )
