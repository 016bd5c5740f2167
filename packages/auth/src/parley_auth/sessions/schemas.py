"""The wire schemas of sessions and tokens."""

import re
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic.config import JsonDict
from pydantic_core import InitErrorDetails, PydanticCustomError

from parley_auth.sessions import models
from parley_auth.sessions.oauth_errors import INVALID_SCOPE, UNSUPPORTED_GRANT_TYPE
from parley_core.http.schemas import Body, Representation

_NEEDED = {"password": ("username", "password"), "refresh_token": ("refresh_token",)}
# RFC 6749, section 3.3.
_SCOPE = re.compile(r"^([!#-\[\]-~]+( [!#-\[\]-~]+)*)?$")


class Login(Body):
    """E-mail and password. A malformed e-mail gets the same 401 as an unknown one."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "nine green bottles"}]}
    )

    email: str
    password: str


def _needing(grant_type: str) -> JsonDict:
    """Return what a grant needs, as JSON Schema says it."""
    names = _NEEDED[grant_type]
    properties: JsonDict = {name: {"minLength": 1} for name in names}
    # Redocly takes a condition that names fields for one that allows no others.
    return {"required": [*names], "properties": properties, "unevaluatedProperties": True}


def _supported(grant_type: str) -> str:
    if grant_type not in _NEEDED:
        raise PydanticCustomError(UNSUPPORTED_GRANT_TYPE, "Must be password or refresh_token")
    return grant_type


def _well_formed(scope: str) -> str:
    if not _SCOPE.fullmatch(scope):
        raise PydanticCustomError(INVALID_SCOPE, "Must be words with one space between them")
    return scope


class TokenForm(BaseModel):
    """A grant of OAuth2: a password, or a refresh token (RFC 6749, 4.3.2 and 6).

    Other fields are ignored, as section 3.2 requires, `client_id` and `client_secret` among them: clients are not
    registered. A field without a value counts as left out.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"grant_type": "password", "username": "ada@example.com", "password": "nine green bottles"},
                {"grant_type": "refresh_token", "refresh_token": "AWZfHCq35PkNHDpbd..."},
            ],
            "if": {"unevaluatedProperties": True, "properties": {"grant_type": {"const": "refresh_token"}}},
            "then": _needing("refresh_token"),
            "else": _needing("password"),
        }
    )

    grant_type: Annotated[str, AfterValidator(_supported), WithJsonSchema({"type": "string", "enum": [*_NEEDED]})]
    username: str = Field("", description="The e-mail of the account; needed with `password`.")
    password: str = Field("", description="Needed with `password`.")
    refresh_token: str = Field("", description="Needed with `refresh_token`. It works once.")
    scope: Annotated[str, AfterValidator(_well_formed)] = Field(
        "",
        description="Has no effect: tokens permit what the account may do.",
        json_schema_extra={"pattern": _SCOPE.pattern},
    )

    @model_validator(mode="after")
    def _with_its_fields(self) -> Self:
        missing = [name for name in _NEEDED[self.grant_type] if not getattr(self, name)]
        if missing:
            lines = [InitErrorDetails(type="missing", loc=(name,), input=None) for name in missing]
            raise ValidationError.from_exception_data("TokenForm", lines)
        return self


class Refresh(Body):
    """A refresh token to exchange."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "AWZfHCq35PkNHDpbd..."}]})

    refresh_token: str


class Token(Representation):
    """An access token, and the refresh token for the next one (RFC 6749, section 5.1)."""

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
    expires_in: int = Field(description="Seconds until the access token expires.")
    refresh_token: str = Field(description="Works once: exchange it for new tokens.")

    @classmethod
    def of(cls, pair: models.TokenPair) -> Self:
        """Return the tokens as they are sent."""
        return cls(access_token=pair.access.text, expires_in=pair.access.expires_in, refresh_token=pair.refresh)


class LoginSession(Representation):
    """A session that hasn't ended."""

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
    used_at: datetime = Field(description="When its refresh token was last exchanged.")
    idle_until: datetime = Field(description="When the session ends unless it is used before.")
    ends_at: datetime = Field(description="When the session ends in any case.")
    network: str
    user_agent: str
    current: bool = Field(description="Whether this request belongs to it.")

    @classmethod
    def of(cls, session: models.LoginSession, *, current_id: str) -> Self:
        """Return a session as its owner sees it."""
        shown = {field: getattr(session, field) for field in cls.model_fields if field != "current"}
        return cls(**shown, current=session.id == current_id)
