"""What goes over the wire about the list of interviews."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from parley_core import PageQuery
from parley_core.http.schemas import Id, Instant
from parley_core.words import words_of
from parley_interviews.interviews.schemas import InterviewType
from parley_interviews.models import Status

_MAX_WORDS = 10


def _with_words(text: str) -> str:
    if not 0 < len(words_of(text)) <= _MAX_WORDS:
        raise PydanticCustomError("words", "Must hold 1 to {most} words", {"most": _MAX_WORDS})
    return text


class InterviewQuery(PageQuery):
    """Filters, sort order and page of the list of interviews."""

    sort: str | None = Field(
        None,
        description="`created_at`, `scheduled_at`, `title` or `status`, or several with commas between; `-` descends.",
    )
    cursor: str | None = Field(
        None, description="Taken from `next`: continues there, whatever was added or removed since."
    )
    status: list[Status] = Field(default_factory=list, max_length=4)
    interview_type: list[InterviewType] = Field(default_factory=list, max_length=20)
    scheduled_from: Instant | None = Field(None, description="Scheduled at this time or later.")
    scheduled_to: Instant | None = Field(None, description="Scheduled before this time.")
    participant_id: Id | None = Field(None, description="Interviews in which this user takes part; for administrators.")
    q: Annotated[str, StringConstraints(max_length=200), AfterValidator(_with_words)] | None = Field(
        None, description="Whole words that the title holds, all of them; case doesn't matter."
    )
