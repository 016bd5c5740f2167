"""What the endpoint of a stream is given."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Query

from parley_auth import Guard, ScopedAccess
from parley_core import provided
from parley_messaging.log.presentation import event_of
from parley_messaging.log.schemas import Seq
from parley_messaging.models import MessageLog
from parley_messaging.stream.follower import Follower
from parley_messaging.stream.service import MessageStreams

MessageStreamsDep = Annotated[MessageStreams, Depends(provided(MessageStreams))]


def follower_of(log: MessageLog) -> Callable[..., Awaitable[Follower]]:
    """Return the dependency that makes the follower of a kind of log, which its guard lets through."""
    encode = partial(event_of, log=log)

    async def follower(
        access: Annotated[ScopedAccess, Depends(Guard(log.reading))],
        streams: MessageStreamsDep,
        after_seq: Annotated[Seq, Query(description="Begin after this `seq`.")] = 0,
        last_event_id: Annotated[
            Seq | None,
            Header(alias="Last-Event-ID", description="The last `id` that arrived; it overrides `after_seq`."),
        ] = None,
    ) -> Follower:
        after = after_seq if last_event_id is None else last_event_id
        return await streams.begin(access, after=after, encode=encode)

    return follower
