"""What goes over the wire about feeds."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from parley_core.http.schemas import Body, Line, Representation

_FEED: JsonDict = {"id": "665f1c2ab7e4f90d1c3a5e10", "name": "My phone", "created_at": "2027-03-01T09:30:00Z"}
_URL = "https://parley.example.com/v1/calendar/feeds/q3m0Yl..."


class FeedCreate(Body):
    """A new feed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "My phone"}]})

    name: Annotated[Line, StringConstraints(max_length=100)] | None = Field(
        None, description="Where you use it, so that you know it again."
    )


class Feed(Representation):
    """A feed, without its address."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_FEED]})

    id: str
    name: str | None
    created_at: datetime


class IssuedFeed(Feed):
    """A new feed with its address, which is shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_FEED, "url": f"{_URL}.ics"}]})

    url: str = Field(
        description="Subscribe to it in a calendar. Whoever has it reads your appointments: it is never shown again."
    )
