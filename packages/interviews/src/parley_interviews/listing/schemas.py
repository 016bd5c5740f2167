"""What goes over the wire about the list of interviews."""

from pydantic import Field

from parley_core.http.pagination import CursorQuery
from parley_core.http.patterns import sort_orders
from parley_core.http.schemas import Id, Instant, SearchText
from parley_interviews.interviews.schemas import ExternalId, InterviewType
from parley_interviews.models import Status


class InterviewQuery(CursorQuery):
    """Filters, sort order and page of the list of interviews."""

    sort: str | None = Field(
        None,
        json_schema_extra=sort_orders("created_at", "updated_at", "scheduled_at", "title", "status"),
        description="`created_at`, `updated_at`, `scheduled_at`, `title` or `status`, or several with commas between; "
        "`-` descends.",
    )
    status: list[Status] = Field(default_factory=list, max_length=4)
    interview_type: list[InterviewType] = Field(default_factory=list, max_length=20)
    external_id: ExternalId | None = Field(None, description="The interview that has this name in another system.")
    scheduled_from: Instant | None = Field(None, description="Scheduled at this time or later.")
    scheduled_to: Instant | None = Field(None, description="Scheduled before this time.")
    overlaps_from: Instant | None = Field(
        None, description="Ends after this time. With `overlaps_to`: what runs at any time between the two."
    )
    overlaps_to: Instant | None = Field(None, description="Begins before this time, which is after `overlaps_from`.")
    updated_from: Instant | None = Field(
        None,
        description="Changed at this time or later. With `sort=updated_at` whoever comes again begins a minute before "
        "the last `updated_at` that they saw, and leaves out what has the `id` and `rev` that they know.",
    )
    participant_id: Id | None = Field(None, description="Interviews in which this user takes part; for administrators.")
    q: SearchText | None = Field(
        None,
        description="Words of the title, all of them; the last one may be the beginning of a word. Case, accents and "
        "apostrophes don't matter. Chinese, Japanese, Korean and other scripts without spaces are searched by "
        "character, wherever each stands. Of a longer text the first ten words count.",
    )
