"""What auth's endpoints take and answer."""

from datetime import datetime
from typing import Annotated, Literal, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from parley_auth.models import Role
from parley_auth.passwords.hashing import MAX_LENGTH
from parley_auth.sessions import models as sessions
from parley_core import PageQuery
from parley_core.http.schemas import Body, Line, Patch, Representation

_USER: JsonDict = {
    "id": "665f1c2ab7e4f90d1c3a5b77",
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "role": "candidate",
    "active": True,
    "created_at": "2027-03-01T09:30:00Z",
}


_LONGEST_EMAIL = 254


def normalised(email: str) -> str:
    """The spelling under which an e-mail is stored and compared: no surrounding space, lower case, one Unicode form.

    Not folded, since that would make one account of the mailboxes `straße@` and `strasse@`. A malformed e-mail
    gets a spelling too; no account has it.
    """
    email = email.strip()
    try:
        return _address(email) if len(email) <= _LONGEST_EMAIL else email
    except PydanticCustomError:
        return email.lower()


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise PydanticCustomError("email", "Must be an e-mail address") from None


def _without_space(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Must be a string")
    return value.strip()


Email = Annotated[
    str,
    StringConstraints(max_length=_LONGEST_EMAIL),
    AfterValidator(_address),
    BeforeValidator(_without_space),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": _LONGEST_EMAIL}),
]
Name = Annotated[Line, StringConstraints(max_length=100)]
NewPassword = Annotated[str, StringConstraints(max_length=MAX_LENGTH)]


class Registration(Body):
    """A new account of one's own; its role is always candidate."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "nine green bottles", "name": "Ada"}]}
    )

    email: Email
    password: NewPassword
    name: Name | None = None


class UserCreate(Registration):
    """A new account made by an administrator."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "grace@example.com", "password": "nine green bottles", "role": "interviewer"}]
        }
    )

    role: Role


class UserUpdate(Patch):
    """What an administrator changes of an account; fields left out stay."""

    role: Role | MISSING = MISSING
    active: Annotated[bool, Strict()] | MISSING = MISSING
    name: Name | MISSING | None = Field(MISSING, examples=["Ada King"])


class ProfileUpdate(Patch):
    """What everyone changes of his own account."""

    name: Name | MISSING | None = Field(MISSING, examples=["Ada King"])


class PasswordChange(Body):
    """A new password, with the current one as proof."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "nine green bottles", "new_password": "ten blue bottles hanging"}]
        }
    )

    current_password: str
    new_password: NewPassword


class Login(Body):
    """E-mail and password. A malformed e-mail is an unknown one: the answer is the same 401."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "nine green bottles"}]}
    )

    email: str
    password: str


class LoginForm(BaseModel):
    """The password grant of OAuth2 (RFC 6749, 4.3.2); other fields are ignored, as its section 3.2 demands."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "ada@example.com", "password": "nine green bottles"}]}
    )

    grant_type: Literal["password"] = "password"
    username: str = Field(description="The e-mail.")
    password: str


class Refresh(Body):
    """A refresh token to exchange."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "AWZfHCq35PkNHDpbd..."}]})

    refresh_token: str


class Token(Representation):
    """An access token and the refresh token that gets the next one (RFC 6749, section 5.1)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJ...",
                    "token_type": "bearer",
                    "expires_in": 600,
                    "refresh_token": "AWZfHCq35PkNHDpbd...",
                }
            ]
        }
    )

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the type, not a token
    expires_in: int = Field(description="Seconds that the access token lives.")
    refresh_token: str = Field(description="Works once.")


class LoginSession(Representation):
    """A login that is alive."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0b6d3f5a9c4e7d21a8f0c3b6",
                    "created_at": "2027-03-01T09:30:00Z",
                    "used_at": "2027-03-01T11:10:00Z",
                    "idle_until": "2027-03-08T11:10:00Z",
                    "ends_at": "2027-03-31T09:30:00Z",
                    "network": "203.0.113.7",
                    "user_agent": "Mozilla/5.0",
                    "current": True,
                }
            ]
        },
    )

    id: str
    created_at: datetime
    used_at: datetime = Field(description="When a refresh token was last exchanged.")
    idle_until: datetime = Field(description="It ends then unless it is used before.")
    ends_at: datetime = Field(description="It ends then in any case.")
    network: str
    user_agent: str
    current: bool = Field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, session: sessions.LoginSession, *, current_id: str) -> Self:
        """How a session looks to its owner."""
        return cls(
            **{f: getattr(session, f) for f in cls.model_fields if f != "current"}, current=session.id == current_id
        )


class User(Representation):
    """An account."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_USER]})

    id: str
    email: str
    name: str | None
    role: Role
    active: bool
    created_at: datetime


class UserQuery(PageQuery):
    """The list of accounts."""

    sort: str = Field("-created_at", description="`created_at`, `email`; `-` for descending.")
    role: Role | None = None
    active: bool | None = None
