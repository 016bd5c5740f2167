"""The rules of calendars: whose feed it is, how many there may be, and what is in them."""

from collections.abc import Sequence

from parley_auth import Access, ScopedAccess, UserDirectory
from parley_calendar.errors import FeedNotFound, TooManyFeeds
from parley_calendar.events import FEED_CREATED, FEED_DELETED
from parley_calendar.models import Feed, FeedToken
from parley_calendar.policy import FUTURE, MAX_EVENTS, PAST
from parley_calendar.repository import FeedRepository
from parley_calendar.writing import feed_of, file_of
from parley_core import Clock, Event, new_id
from parley_interviews.appointments import AppointmentReader


class FileService:
    """Makes calendar files of single interviews."""

    def __init__(self, appointments: AppointmentReader) -> None:
        self._appointments = appointments

    async def read(self, access: ScopedAccess) -> bytes:
        """Return the interview that the caller may read, as iCalendar; raise the scope's 404 where it is gone."""
        if (appointment := await self._appointments.get(access.resource.id)) is None:
            raise access.scope.not_found
        return file_of(appointment)


class FeedService:
    """Creates, lists, deletes and reads feeds."""

    def __init__(
        self, *, feeds: FeedRepository, users: UserDirectory, appointments: AppointmentReader, clock: Clock
    ) -> None:
        self._feeds = feeds
        self._users = users
        self._appointments = appointments
        self._clock = clock

    async def create(self, name: str | None, access: Access) -> tuple[Feed, FeedToken]:
        """Create a feed of the caller's interviews, and return it with its token, which is nowhere stored.

        Raises:
            TooManyFeeds: the caller has five.
        """
        feed, token = Feed(id=new_id(), name=name, created_at=self._clock()), FeedToken.new()
        changes = {"feed": (None, {"id": feed.id})}
        owner_id = access.principal.id
        event = Event(type=FEED_CREATED, at=feed.created_at, actor=access.actor, changes=changes, audience=(owner_id,))
        if not await self._feeds.add(owner_id, feed, token, event):
            raise TooManyFeeds
        return feed, token

    async def of_caller(self, access: Access) -> Sequence[Feed]:
        """Return the caller's feeds, oldest first."""
        return await self._feeds.of(access.principal.id)

    async def delete(self, feed_id: str, access: Access) -> None:
        """Delete one of the caller's feeds; raise `FeedNotFound` (404) where there is none."""
        changes = {"feed": ({"id": feed_id}, None)}
        owner_id = access.principal.id
        event = Event(type=FEED_DELETED, at=self._clock(), actor=access.actor, changes=changes, audience=(owner_id,))
        if not await self._feeds.remove(owner_id, feed_id, event):
            raise FeedNotFound

    async def read(self, text: str) -> bytes:
        """Return the interviews of the owner of the feed with this token, as iCalendar.

        Whether the owner's account is active, and in which interviews they take part, is read now.

        Raises:
            FeedNotFound: no feed has the token, or its owner is inactive.
        """
        token = FeedToken.parse(text)
        owner_id = await self._feeds.owner_of(token) if token else None
        owner = await self._users.by_id(owner_id) if owner_id else None
        if owner is None or not owner.active:
            raise FeedNotFound
        now = self._clock()
        return await feed_of(
            await self._appointments.around(
                owner.id, now, begin=now - PAST, end=now + FUTURE, cancelled_since=now - PAST, limit=MAX_EVENTS
            )
        )
