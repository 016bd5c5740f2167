"""The routes of a log. No route changes or removes a message."""

from typing import Annotated

from fastapi import Depends, Query, Response, status

from parley_auth import Guard, ScopedAccess
from parley_core import Page, PagerDep, Router, raises
from parley_core.caching.routes import cached
from parley_core.errors import InvalidSort
from parley_messaging.errors import ClientMessageIdReused, TooManyMessages
from parley_messaging.log import caching, presentation, schemas
from parley_messaging.log.dependencies import MessageServiceDep
from parley_messaging.models import Message, MessageLog


def log_router(log: MessageLog) -> Router:
    """Return the routes of a kind of log: posting, and pages of messages."""
    router = Router(prefix=log.prefix, tag=presentation.words_of(log.plural), description=presentation.heading(log))
    # In the order in which they are tried: pages are asked most.
    _add_pages(router, log)
    _add_posting(router, log)
    return router


def _add_posting(router: Router, log: MessageLog) -> None:
    shown = presentation.schema_of(log)
    known = {"model": shown, "description": "The message that was posted before with this `client_message_id`"}

    @router.post(
        "",
        name=f"post_{log.name}",
        summary="Post a message",
        description=presentation.posting(log),
        status_code=status.HTTP_201_CREATED,
        response_model=shown,
        responses={status.HTTP_200_OK: known},
    )
    @raises(ClientMessageIdReused, TooManyMessages)
    async def post_message(
        access: Annotated[ScopedAccess, Depends(Guard(log.posting))],
        body: schemas.MessageCreate,
        messages: MessageServiceDep,
        response: Response,
    ) -> Message:
        posted = await messages.post(access, body, action=log.posting)
        response.status_code = status.HTTP_201_CREATED if posted.is_new else status.HTTP_200_OK
        return posted.message


def _add_pages(router: Router, log: MessageLog) -> None:
    @router.get(
        "",
        name=f"list_{log.plural}",
        summary="List messages",
        description=presentation.pages(log),
        response_model=presentation.page_of(log),
    )
    @raises(InvalidSort)
    @cached(caching.page_of(log))
    async def list_messages(
        access: Annotated[ScopedAccess, Depends(Guard(log.reading))],
        query: Annotated[schemas.MessageQuery, Query()],
        messages: MessageServiceDep,
        pager: PagerDep,
    ) -> Page[Message]:
        found = await messages.page(access.resource.id, query)
        return pager.page(found.messages, total=found.total, query=query, more=found.more, pinned=found.pins)
