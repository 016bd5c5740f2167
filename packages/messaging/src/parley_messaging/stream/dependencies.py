"""What the endpoint of the stream is given."""

from typing import Annotated

from fastapi import Depends, Header, Query

from parley_auth import Guard, ScopedAccess
from parley_core import provided
from parley_messaging.log.schemas import Seq
from parley_messaging.policy import READ
from parley_messaging.stream.follower import Follower
from parley_messaging.stream.hub import Hub
from parley_messaging.stream.reader import NewMessageReader

MessageFollowing = Annotated[ScopedAccess, Depends(Guard(READ))]
HubDep = Annotated[Hub, Depends(provided(Hub))]
NewMessageReaderDep = Annotated[NewMessageReader, Depends(provided(NewMessageReader))]


async def _follower(
    access: MessageFollowing,
    hub: HubDep,
    reader: NewMessageReaderDep,
    after_seq: Annotated[Seq, Query(description="Begin after this `seq`.")] = 0,
    last_event_id: Annotated[
        Seq | None,
        Header(alias="Last-Event-ID", description="The last `id` that arrived; it overrides `after_seq`."),
    ] = None,
) -> Follower:
    after = after_seq if last_event_id is None else last_event_id
    return Follower(access, after=after, hub=hub, reader=reader)


FollowerDep = Annotated[Follower, Depends(_follower)]
