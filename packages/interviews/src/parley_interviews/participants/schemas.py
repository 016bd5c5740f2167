"""What goes over the wire about participants."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from parley_auth.emails import Email
from parley_core.http.pagination import CursorQuery
from parley_core.http.schemas import Body, Id, Representation
from parley_interviews.models import OnConflict, ParticipantRole

_GIVEN: JsonDict = {"type": "string"}
# Each part of the condition says nothing of other fields; some validators take a part for the whole.
_AMONG: JsonDict = {"unevaluatedProperties": True}
_ID = "665f1c2ab7e4f90d1c3a5b77"

ConflictRule = Annotated[
    OnConflict,
    Field(
        description="What happens where somebody takes part in another open interview at that time: `allow` writes it "
        "and counts the overlaps in `Parley-Conflicts`, `refuse` answers `schedule_conflict`. Without it the server's "
        "setting applies, which is `allow` unless its operator has set it."
    ),
]


class Assignment(Body):
    """A user to add, named by id or by e-mail address.

    Without `participant_role` candidates' accounts take part as candidate and all others as interviewer.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"user_email": "ada@example.com", "invite": True}],
            "if": {**_AMONG, "required": ["user_id"], "properties": {"user_id": _GIVEN}},
            "then": {**_AMONG, "properties": {"user_email": {"type": "null"}, "invite": {"const": False}}},
            "else": {**_AMONG, "required": ["user_email"], "properties": {"user_email": _GIVEN}},
        }
    )

    user_id: Id | None = None
    user_email: Email | None = None
    participant_role: ParticipantRole | None = Field(
        None, description="Candidates' accounts can take part as candidate alone, all others as either."
    )
    invite: bool = Field(
        default=False,
        strict=True,
        description="Create an invited candidate's account for `user_email` where no account has this address.",
    )

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if (self.user_id is None) == (self.user_email is None):
            raise PydanticCustomError("one_of", "Name the user by either user_id or user_email")
        if self.invite and self.user_email is None:
            raise PydanticCustomError("invite", "Only an e-mail address can be invited: name the user by user_email")
        return self


class NewParticipant(Assignment):
    """A user to add, named by id or by e-mail address.

    Without `participant_role` candidates' accounts take part as candidate and all others as interviewer.
    """

    on_conflict: ConflictRule | None = None


class ParticipantQuery(CursorQuery):
    """The page of the participants, and whether it goes on with who has left."""

    former: bool = Field(default=False, description="List who has left too, behind those who take part.")


class Participant(Representation):
    """A participant of an interview, or somebody who was one: then `removed_at` says until when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": _ID,
                    "participant_role": "candidate",
                    "name": "Ada Lovelace",
                    "email": "ada@example.com",
                    "active": True,
                    "added_by": _ID,
                    "added_at": "2027-02-20T08:00:00Z",
                    "removed_by": None,
                    "removed_at": None,
                }
            ]
        }
    )

    user_id: str
    participant_role: ParticipantRole
    name: str | None
    email: str | None = Field(
        description="Shown to administrators and the interview's interviewers; its candidates see their own."
    )
    active: bool = Field(description="Whether the account is active.")
    added_by: str
    added_at: datetime
    removed_by: str | None = Field(
        description="Who removed them; null for those who take part, and hidden from candidates as in the history."
    )
    removed_at: datetime | None = Field(description="When they were removed; null for those who take part.")
