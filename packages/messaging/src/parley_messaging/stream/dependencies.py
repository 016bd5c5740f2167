"""What the endpoint of a stream is given."""

from typing import Annotated

from fastapi import Depends, Header, Query

from parley_core import provided
from parley_messaging.log.schemas import Seq
from parley_messaging.stream.service import MessageStreams

MessageStreamsDep = Annotated[MessageStreams, Depends(provided(MessageStreams))]


async def _place(
    after_seq: Annotated[Seq, Query(description="Begin after this `seq`.")] = 0,
    last_event_id: Annotated[
        Seq | None,
        Header(alias="Last-Event-ID", description="The last `id` that arrived; it overrides `after_seq`."),
    ] = None,
) -> int:
    return after_seq if last_event_id is None else last_event_id


PlaceDep = Annotated[int, Depends(_place)]
"""The `seq` after which the stream begins."""
