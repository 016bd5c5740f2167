"""The route of a log's stream; the standard place for it in every room."""

from functools import partial
from typing import Annotated

from fastapi import Depends

from parley_auth import Guard, ScopedAccess
from parley_core import Router, raises
from parley_core.errors import PositionAhead, TooManyStreams
from parley_core.http.event_stream import EventStream
from parley_core.http.stream_budget import StreamBudgetDep
from parley_messaging.log.presentation import event_of, stream_of, words_of
from parley_messaging.models import MessageLog
from parley_messaging.stream.dependencies import MessageStreamsDep, PlaceDep


def stream_router(log: MessageLog) -> Router:
    """Return the route of a kind of log that sends messages as they are posted."""
    router = Router(prefix=f"{log.prefix}/stream", tag=words_of(log.plural))
    encode = partial(event_of, log=log)

    @router.get(
        "", name=f"stream_{log.plural}", summary="Follow messages", response_class=EventStream, responses=stream_of(log)
    )
    @raises(PositionAhead, TooManyStreams)
    async def stream_messages(
        access: Annotated[ScopedAccess, Depends(Guard(log.reading))],
        after: PlaceDep,
        streams: MessageStreamsDep,
        budget: StreamBudgetDep,
    ) -> EventStream:
        """Send the log from a place on and then each new message, as server-sent events with the `seq` as `id`.

        The stream ends when the caller loses access or their token expires, and with a `retry` when the server stops.
        """
        follower = await streams.begin(access, after=after, encode=encode)
        return EventStream(follower.events(), place=budget.take(access.principal.id))

    return router
