"""The routes of the log. No route changes or removes a message."""

from typing import Annotated, Any

from fastapi import Query, Response, status

from parley_core import Page, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_core.errors import InvalidSort
from parley_messaging.errors import ClientMessageIdReused
from parley_messaging.log import caching, schemas
from parley_messaging.log.dependencies import MessagePost, MessageRead, MessageServiceDep
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
    body: schemas.MessageCreate,
    messages: MessageServiceDep,
    response: Response,
) -> Message:
    """Append a message to the interview's log; participants may, until the interview is completed or cancelled."""
    posted = await messages.post(access, body)
    response.status_code = status.HTTP_201_CREATED if posted.is_new else status.HTTP_200_OK
    return posted.message


@router.get("", summary="List messages", response_model=Page[schemas.Message])
@raises(InvalidSort)
@cached(caching.PAGE)
async def list_messages(
    access: MessageRead,
    query: Annotated[schemas.MessageQuery, Query()],
    messages: MessageServiceDep,
    pager: PagerDep,
) -> Page[Message]:
    """List the interview's messages, oldest first unless sorted otherwise; `total` counts all between the bounds."""
    found = await messages.page(access.resource.id, query)
    return pager.page(found.messages, total=found.total, query=query, pinned=found.pins)
