"""The route of the stream; the standard place for it in every room."""

from parley_core import Router
from parley_core.http.event_stream import EventStream
from parley_messaging.stream.dependencies import FollowerDep

router = Router(prefix="/interviews/{interview_id}/messages/stream", tag="messages")


@router.get("", summary="Follow messages", response_class=EventStream)
async def stream_messages(follower: FollowerDep) -> EventStream:
    """Send the log from a place on and then each new message, as server-sent events with the `seq` as `id`.

    The stream ends when the caller loses access or their token expires, and with a `retry` when the server stops.
    """
    return EventStream(follower.events())
