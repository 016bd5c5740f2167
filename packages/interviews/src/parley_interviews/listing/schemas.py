"""What goes over the wire about the list of interviews."""

from pydantic import Field

from parley_core.http.pagination import CursorQuery
from parley_core.http.schemas import Id, Instant, SearchText
from parley_interviews.interviews.schemas import InterviewType
from parley_interviews.models import Status


class InterviewQuery(CursorQuery):
    """Filters, sort order and page of the list of interviews."""

    sort: str | None = Field(
        None,
        description="`created_at`, `scheduled_at`, `title` or `status`, or several with commas between; `-` descends.",
    )
    status: list[Status] = Field(default_factory=list, max_length=4)
    interview_type: list[InterviewType] = Field(default_factory=list, max_length=20)
    scheduled_from: Instant | None = Field(None, description="Scheduled at this time or later.")
    scheduled_to: Instant | None = Field(None, description="Scheduled before this time.")
    participant_id: Id | None = Field(None, description="Interviews in which this user takes part; for administrators.")
    q: SearchText | None = Field(
        None, description="Whole words that the title holds, all of them; case doesn't matter."
    )
