"""The wire schemas of links."""

from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field

from parley_auth.accounts.schemas import Name, NewPassword
from parley_auth.links.models import IssuedLink, Purpose
from parley_core.http.schemas import Body, Representation

_TOKEN = "AmVfHCq35PkNHDpbd..."  # noqa: S105 - an example


class LinkCreate(Body):
    """What the link is for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"purpose": "reset"}]})

    purpose: Purpose


class Link(Representation):
    """A link for the owner of an account. It is shown this once; pass it on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": _TOKEN,
                    "url_path": f"/console#/accept/{_TOKEN}",
                    "expires_at": "2027-03-01T10:30:00Z",
                }
            ]
        },
    )

    token: str = Field(description="Works once, with `POST /v1/auth/accept`.")
    url_path: str = Field(
        description="The page of the console that takes it, below a proxy's prefix; any other page can take the token."
    )
    expires_at: datetime

    @classmethod
    def of(cls, issued: IssuedLink, prefix: str) -> Self:
        """Return a link as its caller sees it, who is behind the proxy with this prefix."""
        return cls(token=issued.token, url_path=issued.url_path_below(prefix), expires_at=issued.expires_at)


class Acceptance(Body):
    """The token of a link, and the password that the account gets."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": _TOKEN, "password": "nine green bottles", "name": "Ada"}]}
    )

    token: str
    password: NewPassword
    name: Name | None = None
