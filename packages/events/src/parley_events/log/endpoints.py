"""The routes of the log."""

from typing import Annotated

from fastapi import Query

from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_core.errors import PositionAhead
from parley_events.errors import UnknownEventType
from parley_events.log import schemas
from parley_events.log.dependencies import EventPagesDep, EventRead, EventTypesDep
from parley_events.schemas import LogEvent

router = Router(prefix="/events", tag="events", description="The log of all changes: pages, a stream, and the types.")


@router.get("", summary="List events")
@raises(UnknownEventType, PositionAhead)
async def list_events(
    _access: EventRead, query: Annotated[schemas.EventQuery, Query()], events: EventPagesDep, pager: PagerDep
) -> schemas.EventPage:
    """List what has happened after a position, oldest first. Keep `after` and ask again to learn what is new."""
    found = await events.page(query)
    following = pager.next_address({"after": found.after}, goes_on=found.has_more)
    items = [LogEvent.model_validate(entry) for entry in found.entries]
    return schemas.EventPage(items=items, after=found.after, limit=query.limit, next=following)


@router.get("/types", summary="List event types", response_model=Page[schemas.EventType])
async def list_event_types(
    _access: EventRead, query: Annotated[PageQuery, Query()], types: EventTypesDep, pager: PagerDep
) -> object:
    """List the types of events that this application can record, by name."""
    items, total = types.page(limit=query.limit, offset=query.offset)
    return pager.page(items, total=total, query=query)
