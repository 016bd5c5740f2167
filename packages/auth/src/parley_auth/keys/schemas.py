"""The wire schemas of API keys."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from parley_core.http.document.names import named
from parley_core.http.schemas import Body, Line, Representation, WholeNumber

_MAX_ACTIONS = 500
_MAX_DAYS = 3650
_ACTIONS = ["users:list", "users:read"]
_KEY: JsonDict = {
    "id": "665f1c2ab7e4f90d1c3a5d20",
    "name": "Nightly import",
    "actions": [*_ACTIONS],
    "created_by": "665f1c2ab7e4f90d1c3a5b77",
    "created_at": "2027-03-01T09:30:00Z",
    "expires_at": "2027-05-30T09:30:00Z",
    "last_used_at": None,
}


class ApiKeyCreate(Body):
    """A new API key."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Nightly import", "actions": [*_ACTIONS], "expires_in_days": 90}]}
    )

    name: Annotated[Line, StringConstraints(max_length=100)] = Field(description="What the key is for.")
    actions: list[Annotated[str, StringConstraints(max_length=100), Field(json_schema_extra=named("action"))]] = Field(
        min_length=1,
        max_length=_MAX_ACTIONS,
        description="All that the key may do: actions of the policy table, each once. Keys, roles, links, messages and "
        "your own account are out of reach.",
        examples=[_ACTIONS],
        json_schema_extra={"uniqueItems": True},
    )
    expires_in_days: WholeNumber | None = Field(
        None, ge=1, le=_MAX_DAYS, description="Days until the key expires; unset: it works until it is revoked."
    )


class ApiKey(Representation):
    """An API key, without its secret."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_KEY]})

    id: str
    name: str
    actions: list[str] = Field(description="All that the key may do.")
    created_by: str = Field(description="The administrator as whom the key acts.")
    created_at: datetime
    expires_at: datetime | None = Field(description="When the key expires; null for never.")
    last_used_at: datetime | None = Field(description="The hour of its last use; null before the first.")


class IssuedApiKey(ApiKey):
    """A new API key with its text, which is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_KEY, "key": "parley_665f1c2ab7e4f90d1c3a5b77665f1c2ab7e4f90d1c3a5d20_9b74..."}]
        }
    )

    key: str = Field(description="Send it as `Authorization: Bearer`; it is never shown again.")
