"""What goes over the wire about participants."""

from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from parley_auth.accounts.schemas import Email
from parley_core.http.schemas import Body, Id, Representation
from parley_interviews.models import ParticipantRole

_ID = "665f1c2ab7e4f90d1c3a5b77"


class Assignment(Body):
    """A user to add, named by id or by e-mail address; without a role, the account's role decides."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_email": "ada@example.com"}]})

    user_id: Id | None = None
    user_email: Email | None = None
    participant_role: ParticipantRole | None = None

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if (self.user_id is None) == (self.user_email is None):
            raise PydanticCustomError("one_of", "Name the user by either user_id or user_email")
        return self


class Participant(Representation):
    """A participant of an interview."""

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
    email: str | None = Field(description="Shown to administrators and interviewers; candidates see their own.")
    added_by: str
    added_at: datetime
