"""What goes over the wire about conflicts and schedules."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from parley_core.http.schemas import Id, Instant, Representation

MAX_PEOPLE, MAX_DAYS, DAYS = 50, 62, 7
_ID = "665f1c2ab7e4f90d1c3a5b77"
_BUSY_TIME: JsonDict = {"starts_at": "2027-03-01T09:30:00Z", "ends_at": "2027-03-01T11:00:00Z"}
_PERSONAL: JsonDict = {"user_id": _ID, "busy": [_BUSY_TIME]}
_SCHEDULE: JsonDict = {"items": [_PERSONAL], "from": "2027-03-01T00:00:00Z", "to": "2027-03-08T00:00:00Z"}


class Conflict(Representation):
    """A participant's other interview at the same time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": _ID,
                    "scheduled_at": "2027-03-01T10:00:00Z",
                    "ends_at": "2027-03-01T11:00:00Z",
                    "interview_id": None,
                    "title": None,
                }
            ]
        }
    )

    user_id: str = Field(description="The participant.")
    scheduled_at: datetime
    ends_at: datetime
    interview_id: str | None = Field(description="The other interview; null where the caller may not read it.")
    title: str | None = Field(description="Its title; null where the caller may not read it.")


class ScheduleQuery(BaseModel):
    """Whose schedule, and which days of it."""

    user_id: list[Id] = Field(
        default_factory=list,
        max_length=MAX_PEOPLE,
        description="Whose; repeat it for several. Left out it is the caller; others are for administrators.",
    )
    since: Instant | None = Field(None, alias="from", description="Where the span begins; now when it is left out.")
    until: Instant | None = Field(
        None,
        alias="to",
        description=f"Where it ends, at most {MAX_DAYS} days later; {DAYS} days later when it is left out.",
    )


class BusyTime(Representation):
    """A time in which somebody takes part in interviews; it ends before `ends_at`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BUSY_TIME]})

    starts_at: datetime
    ends_at: datetime


class PersonalSchedule(Representation):
    """When one user is busy."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PERSONAL]})

    user_id: str
    busy: list[BusyTime] = Field(description="In order; times that overlap or touch are one.")


class Schedule(Representation):
    """When users are busy between two instants."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SCHEDULE]})

    items: list[PersonalSchedule] = Field(description="One for each user, in the order in which they were asked for.")
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
