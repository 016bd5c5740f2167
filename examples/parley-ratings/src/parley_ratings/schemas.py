"""What goes over the wire."""

from datetime import datetime

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from parley_core.http.schemas import Body, Paragraphs, Representation, WholeNumber

_WANTED: JsonDict = {"rating": 3, "notes": "Knows caches, asks good questions."}


class RatingCreate(Body):
    """A new rating."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WANTED]})

    rating: WholeNumber = Field(ge=1, le=4, description="From 1, a clear no, to 4, a clear yes.")
    notes: Paragraphs = Field("", max_length=4000)


class Rating(Representation):
    """A rating."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "665f1c2ab7e4f90d1c3a5b99",
                    "interview_id": "665f1c2ab7e4f90d1c3a5b80",
                    "author_id": "665f1c2ab7e4f90d1c3a5b77",
                    **_WANTED,
                    "created_at": "2027-03-01T11:00:00Z",
                }
            ]
        }
    )

    id: str
    interview_id: str
    author_id: str
    rating: int
    notes: str
    created_at: datetime
