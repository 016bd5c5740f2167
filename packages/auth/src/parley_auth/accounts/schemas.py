"""The wire schemas of accounts."""

from datetime import datetime
from typing import Annotated

from pydantic import MISSING, ConfigDict, Field, Strict, StringConstraints
from pydantic.config import JsonDict

from parley_auth.emails import Email
from parley_auth.models import AccountState
from parley_auth.passwords.hashing import MAX_LENGTH
from parley_core.http import history
from parley_core.http.document.names import named
from parley_core.http.patterns import Shown
from parley_core.http.schemas import Body, Line, Patch, Representation

_USER: JsonDict = {
    "id": "665f1c2ab7e4f90d1c3a5b77",
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "role": "user",
    "active": True,
    "state": "active",
    "verified": False,
    "created_at": "2027-03-01T09:30:00Z",
}

Name = Annotated[Line, StringConstraints(max_length=100)]
RoleName = Annotated[
    str,
    StringConstraints(max_length=50),
    Field(description="A role that a package declares.", json_schema_extra=named("role")),
]

# A setting can make it longer, never shorter.
NewPassword = Annotated[str, StringConstraints(max_length=MAX_LENGTH), Shown({"minLength": 8})]


class _NewAccount(Body):
    email: Email
    name: Name | None = None


class Registration(_NewAccount):
    """A new account of your own. Its role is always that of those who register."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "nine green bottles", "name": "Ada"}]}
    )

    password: NewPassword


class UserCreate(_NewAccount):
    """A new account that an administrator creates. Without a password it is invited: create a link for its owner."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "grace@example.com", "password": "nine green bottles", "role": "admin"}]
        }
    )

    role: RoleName
    password: NewPassword | None = None


class UserUpdate(Patch):
    """A change of an account by an administrator. Fields left out stay as they are."""

    role: RoleName | MISSING = MISSING
    active: Annotated[bool, Strict()] | MISSING = MISSING
    name: Name | MISSING | None = Field(MISSING, examples=["Ada King"])
    email: Email | MISSING = MISSING


class ProfileUpdate(Patch):
    """A change of your own account. Fields left out stay as they are."""

    name: Name | MISSING | None = Field(MISSING, examples=["Ada King"])


class PasswordChange(Body):
    """A new password, with the current one to confirm it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "nine green bottles", "new_password": "ten blue bottles hanging"}]
        }
    )

    current_password: str
    new_password: NewPassword


class User(Representation):
    """An account."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_USER]})

    id: str
    email: str
    name: str | None
    role: str
    active: bool
    state: AccountState = Field(description="`invited` until a password is set; `deactivated` by an administrator.")
    verified: bool = Field(description="Whether the e-mail was proved, by accepting a link that was sent to it.")
    created_at: datetime


class UserHistoryEntry(history.HistoryEntry):
    """One change of an account: who did what, when, and from which value to which."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rev": 2,
                    "type": "user.role_changed",
                    "at": "2027-03-01T09:31:00Z",
                    "actor": "665f1c2ab7e4f90d1c3a5b78",
                    "actor_role": "admin",
                    "reason": None,
                    "changes": {"role": {"from": "user", "to": "admin"}},
                }
            ]
        }
    )
