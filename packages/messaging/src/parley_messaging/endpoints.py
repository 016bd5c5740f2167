"""Posting, reading and following messages. No route changes or removes one."""

from typing import Annotated, Any

from fastapi import Query, Response, status

from parley_core import Page, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_core.errors import InvalidSort
from parley_messaging import caching, schemas
from parley_messaging.dependencies import FollowerDep, InterviewId, MessagePost, MessageRead, MessageServiceDep
from parley_messaging.errors import ClientMessageIdReused
from parley_messaging.event_stream import EventStream
from parley_messaging.models import Message

router = Router(prefix="/interviews/{interview_id}/messages", tag="messages")

_REPEATED: dict[int | str, dict[str, Any]] = {
    status.HTTP_200_OK: {
        "model": schemas.Message,
        "description": "The message that was posted before with this `client_message_id`",
    }
}


@router.post(
    "",
    summary="Post a message",
    status_code=status.HTTP_201_CREATED,
    response_model=schemas.Message,
    responses=_REPEATED,
)
@raises(ClientMessageIdReused)
async def post_message(
    access: MessagePost,
    _interview_id: InterviewId,
    body: schemas.MessageCreate,
    messages: MessageServiceDep,
    response: Response,
) -> Message:
    """Appends a message to the interview's log; whoever takes part may, until the interview is closed."""
    posted = await messages.post(access, body)
    response.status_code = status.HTTP_201_CREATED if posted.is_new else status.HTTP_200_OK
    return posted.message


@router.get("", summary="Read messages", response_model=Page[schemas.Message])
@raises(InvalidSort)
@cached(caching.PAGE)
async def list_messages(
    access: MessageRead,
    _interview_id: InterviewId,
    query: Annotated[schemas.MessageQuery, Query()],
    messages: MessageServiceDep,
    pager: PagerDep,
) -> Page[Message]:
    """The interview's log, oldest first unless sorted otherwise; `total` is the number of messages in the window."""
    found = await messages.excerpt(access.resource.id, query)
    return pager.page(found.messages, total=found.total, query=query, pinned=found.pins)


@router.get("/stream", summary="Follow messages", response_class=EventStream)
async def stream_messages(_interview_id: InterviewId, follower: FollowerDep) -> EventStream:
    """The log from a place on and then each message as it comes, as server-sent events with the `seq` as `id`.

    The stream ends when the caller loses access or his token expires, and with a `retry` when the server stops.
    """
    return EventStream(follower.events())
