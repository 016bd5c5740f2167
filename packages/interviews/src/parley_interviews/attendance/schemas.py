"""What goes over the wire about who is coming to an interview, and who came."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from parley_core.http.schemas import Body, Remark, Representation, WholeNumber
from parley_interviews.attendance.models import Answer, Attended
from parley_interviews.interviews.schemas import Reason
from parley_interviews.models import ParticipantRole

_ID = "665f1c2ab7e4f90d1c3a5b77"
_PERSON: JsonDict = {
    "user_id": _ID,
    "participant_role": "candidate",
    "answer": "accepted",
    "comment": "By video, please",
    "schedule_version": 1,
    "answered_at": "2027-02-21T08:00:00Z",
    "is_current": True,
    "attended": "unknown",
    "reason": None,
    "marked_by": None,
    "marked_at": None,
}

Comment = Annotated[Remark, StringConstraints(max_length=500)]


class Rsvp(Body):
    """The caller's answer to the present time of an interview."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answer": "accepted", "comment": "By video, please", "schedule_version": 1}]}
    )

    answer: Answer
    comment: Comment | None = Field(
        None, description="For administrators and the interview's interviewers; its candidates see their own."
    )
    schedule_version: WholeNumber = Field(
        ge=0, description="The interview's, as the caller has read it: what they answer to."
    )


class AttendanceMark(Body):
    """Whether a participant came."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"attended": "no_show", "reason": "Nobody in the call after 20 minutes"}]}
    )

    attended: Attended = Field(description="`unknown` withdraws what was marked before.")
    reason: Reason | None = Field(None, description="For administrators and the interview's interviewers.")


class PersonAttendance(Representation):
    """A participant's answer, and whether they came."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_PERSON]})

    user_id: str
    participant_role: ParticipantRole
    answer: Answer | None = Field(description="Null as long as they haven't answered.")
    comment: str | None = Field(
        description="Shown to administrators and the interview's interviewers; its candidates see their own."
    )
    schedule_version: int | None = Field(description="The version of the schedule that they answered to.")
    answered_at: datetime | None
    is_current: bool = Field(description="Whether they have answered to the interview's present schedule.")
    attended: Attended = Field(
        description="`unknown` as long as nobody has marked them for the interview's present time."
    )
    reason: str | None = Field(description="Shown to administrators and the interview's interviewers; null for others.")
    marked_by: str | None = Field(
        description="Shown to administrators and the interview's interviewers; null for others."
    )
    marked_at: datetime | None


class Attendance(Representation):
    """Everybody who takes part in an interview, in the order in which they were added."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"schedule_version": 1, "items": [_PERSON]}]})

    schedule_version: int = Field(description="The interview's: answers count that were given for it.")
    items: list[PersonAttendance]
