"""Pages of the log."""

from parley_core import EventLog, LogFilter
from parley_core.errors import PositionAhead
from parley_events.feed import EventFeed, EventTypes
from parley_events.log.schemas import EventQuery
from parley_events.models import Part


class EventPages:
    """Reads the pages that queries ask for."""

    def __init__(self, *, log: EventLog, feed: EventFeed, types: EventTypes) -> None:
        self._log = log
        self._feed = feed
        self._types = types

    async def page(self, query: EventQuery) -> Part:
        """Return the part of the log that a query asks for.

        Raises:
            UnknownEventType: the query names a type that no plugin declares.
            PositionAhead: the log ends before the position from which the query continues.
        """
        where = LogFilter(
            types=self._types.check(query.type, pointer="?type."),
            subject_id=query.subject_id,
            actor=query.actor,
            since=query.since,
            until=query.until,
        )
        head = await self._log.head()
        if query.after > head:
            raise PositionAhead
        return await self._feed.between(query.after, head, limit=query.limit, where=where)
