"""The routes of calendars."""

from typing import Annotated

from fastapi import Query, Request, status

from parley_calendar import schemas
from parley_calendar.answers import RESPONSES, CalendarFile, KnownTagsDep
from parley_calendar.dependencies import (
    FeedCreation,
    FeedDeletion,
    FeedListing,
    FeedServiceDep,
    FileServiceDep,
    InterviewRead,
)
from parley_calendar.errors import FeedNotFound, TooManyFeeds
from parley_calendar.models import Feed
from parley_calendar.policy import FEED_PATH
from parley_core import Page, PageQuery, PagerDep, Router, raises
from parley_core.errors import InvalidId
from parley_core.http.absolute import address_of
from parley_core.http.requests import composition_of

feeds = Router(
    prefix="/calendar/feeds", tag="calendar", description="Interviews in calendars: files, and feeds to subscribe to."
)
interviews = Router(prefix="/interviews/{interview_id}/calendar.ics", tag="calendar")


@interviews.get("", summary="Read an interview as a calendar file", response_class=CalendarFile, responses=RESPONSES)
async def read_interview_calendar(access: InterviewRead, files: FileServiceDep, known: KnownTagsDep) -> CalendarFile:
    """Return an interview as an iCalendar file, for whoever may read it; it has neither notes nor participants."""
    return CalendarFile(await files.read(access), known=known)


@feeds.post("", summary="Create a feed", status_code=status.HTTP_201_CREATED)
@raises(TooManyFeeds)
async def create_feed(
    access: FeedCreation, body: schemas.FeedCreate, service: FeedServiceDep, request: Request
) -> schemas.IssuedFeed:
    """Create a feed of your own interviews, five at most. `url` is shown this once: whoever has it reads the feed."""
    feed, token = await service.create(body.name, access)
    url = address_of(FEED_PATH.format(token=token.text), composition_of(request.scope), request.scope)
    return schemas.IssuedFeed.model_validate({**vars(feed), "url": url})


@feeds.get("", summary="List your feeds", response_model=Page[schemas.Feed])
async def list_feeds(
    access: FeedListing, query: Annotated[PageQuery, Query()], service: FeedServiceDep, pager: PagerDep
) -> Page[Feed]:
    """Return a page of your own feeds, oldest first, without their addresses."""
    found = await service.of_caller(access)
    return pager.page(found[query.offset :][: query.limit], total=len(found), query=query)


@feeds.get("/{token}.ics", summary="Read a feed", response_class=CalendarFile, responses=RESPONSES)
@raises(FeedNotFound)
async def read_feed(token: str, service: FeedServiceDep, known: KnownTagsDep) -> CalendarFile:
    """Return the interviews of a feed's owner, from 90 days ago to a year ahead, 1,000 at most.

    The token in the address is all that it takes. A cancelled interview stays for 90 days, as cancelled. A deleted
    feed, an unknown token and an inactive owner are one and the same 404.
    """
    return CalendarFile(await service.read(token), known=known)


@feeds.delete("/{feed_id}", summary="Delete a feed", status_code=status.HTTP_204_NO_CONTENT)
@raises(InvalidId, FeedNotFound)
async def delete_feed(access: FeedDeletion, feed_id: str, service: FeedServiceDep) -> None:
    """Delete one of your feeds. Its address is invalid from then on."""
    await service.delete(feed_id, access)
