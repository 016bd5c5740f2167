"""What requests and answers contain."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from parley_core.http.schemas import Body, Line, Representation


class WidgetCreate(Body):
    """A new widget."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "First widget"}]})

    title: Annotated[Line, Field(max_length=200)]


class Widget(Representation):
    """A widget."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": "665f1c2ab7e4f90d1c3a5b99", "title": "First widget", "created_at": "2027-03-01T11:00:00Z"}
            ]
        }
    )

    id: str
    title: str
    created_at: datetime
