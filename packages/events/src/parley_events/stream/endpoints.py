"""The route of the stream; the standard place for it in every room."""

from parley_core import Router, raises
from parley_core.errors import PositionAhead, TooManyStreams
from parley_core.http.event_stream import EventStream, streamed
from parley_core.http.stream_budget import StreamBudgetDep
from parley_events.errors import UnknownEventType
from parley_events.schemas import EXAMPLE
from parley_events.stream.dependencies import EventFollowing, EventStreamsDep, SelectionDep

_RESPONSES = streamed("an event, as `LogEvent` describes it", place="position", example=EXAMPLE)
router = Router(prefix="/events/stream", tag="events")


@router.get("", summary="Follow events", response_class=EventStream, responses=_RESPONSES)
@raises(UnknownEventType, PositionAhead, TooManyStreams)
async def stream_events(
    access: EventFollowing, selection: SelectionDep, streams: EventStreamsDep, budget: StreamBudgetDep
) -> EventStream:
    """Send the log from a position on and then each new event, as server-sent events with the position as `id`.

    The stream ends when the caller loses access or their token expires, and with a `retry` when the server stops.
    """
    follower = await streams.begin(access, after=selection.after, types=selection.type)
    return EventStream(follower.events(), place=budget.take(access.principal.id))
