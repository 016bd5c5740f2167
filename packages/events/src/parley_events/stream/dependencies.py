"""What the endpoint of the stream is given."""

from typing import Annotated

from fastapi import Depends, Header, Query

from parley_auth import Access, Guard
from parley_core import provided
from parley_events.log.schemas import Position, Selection
from parley_events.policy import READ
from parley_events.stream.service import EventStreams

EventFollowing = Annotated[Access, Depends(Guard(READ))]
EventStreamsDep = Annotated[EventStreams, Depends(provided(EventStreams))]


async def _selection(
    query: Annotated[Selection, Query()],
    last_event_id: Annotated[
        Position | None,
        Header(alias="Last-Event-ID", description="The last `id` that arrived; it overrides `after`."),
    ] = None,
) -> Selection:
    return query if last_event_id is None else query.model_copy(update={"after": last_event_id})


SelectionDep = Annotated[Selection, Depends(_selection)]
