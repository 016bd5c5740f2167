"""Posting and reading messages. No route changes or removes one."""

from typing import Annotated

from fastapi import Query, status

from parley_core import Page, PagerDep, Router, raises
from parley_core.errors import InvalidSort
from parley_messaging import schemas
from parley_messaging.dependencies import InterviewId, MessagePost, MessageRead, MessageServiceDep
from parley_messaging.models import Message

router = Router(prefix="/interviews/{interview_id}/messages", tag="messages")


@router.post("", summary="Post a message", status_code=status.HTTP_201_CREATED, response_model=schemas.Message)
async def post_message(
    access: MessagePost, _interview_id: InterviewId, body: schemas.MessageCreate, messages: MessageServiceDep
) -> Message:
    """Appends a message to the interview's log; whoever takes part may, until the interview is closed."""
    return await messages.post(access, body.content)


@router.get("", summary="Read messages", response_model=Page[schemas.Message])
@raises(InvalidSort)
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
