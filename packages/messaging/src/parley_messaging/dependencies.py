"""What messaging's endpoints are given."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query

from parley_auth import Guard, ScopedAccess
from parley_core import ParleyDep
from parley_messaging.follower import Follower
from parley_messaging.hub import Hub
from parley_messaging.policy import POST, READ
from parley_messaging.schemas import Seq
from parley_messaging.service import MessageService
from parley_messaging.tails import Tails

InterviewId = Annotated[str, Path(alias="interview_id")]
"""Documents the id in the path. The guard has read it; what was guarded is `access.resource`."""

MessageRead = Annotated[ScopedAccess, Depends(Guard(READ))]
MessagePost = Annotated[ScopedAccess, Depends(Guard(POST))]


async def _message_service(parley: ParleyDep) -> MessageService:
    return MessageService(parley)


async def _follower(
    parley: ParleyDep,
    access: MessageRead,
    after_seq: Annotated[Seq, Query(description="Begin behind this place.")] = 0,
    last_event_id: Annotated[
        Seq | None,
        Header(alias="Last-Event-ID", description="The last `id` that arrived; it overrides `after_seq`."),
    ] = None,
) -> Follower:
    after = after_seq if last_event_id is None else last_event_id
    return Follower(access, after=after, hub=parley.require(Hub), tails=parley.require(Tails))


MessageServiceDep = Annotated[MessageService, Depends(_message_service)]
FollowerDep = Annotated[Follower, Depends(_follower)]
