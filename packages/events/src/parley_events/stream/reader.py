"""New events as followers read them: those who are at the same place share one query and one encoding."""

from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial

from fastapi.sse import format_sse_event

from parley_core import LogEntry, LogFilter
from parley_core.waiting import SharedWork
from parley_events.feed import EventFeed
from parley_events.schemas import LogEvent

# The number of events that a reader who takes nothing keeps in memory at most.
PAGE = 20


@dataclass(frozen=True)
class News:
    """What a follower sends next.

    Args:
        events: server-sent events with their positions.
        after: the place to continue from when all of them are sent.
    """

    events: Sequence[tuple[int, bytes]]
    after: int


class NewEventReader:
    """Reads the log as server-sent events."""

    def __init__(self, feed: EventFeed) -> None:
        self._feed = feed
        self._reads: SharedWork[News] = SharedWork()

    async def between(self, position: int, head: int, *, types: tuple[str, ...]) -> News:
        """Return the next events after a place, up to `head`, `PAGE` at most.

        Args:
            position: the place.
            head: a place at which the log has been already.
            types: the types that are wanted; all if there are none.
        """
        work = partial(self._read, position, head, types)
        # An empty context: the deadline of the follower who comes first isn't the others'.
        return await self._reads.join((position, head, types), work, context=Context())

    async def _read(self, position: int, head: int, types: tuple[str, ...]) -> News:
        part = await self._feed.between(position, head, limit=PAGE, where=LogFilter(types=types))
        return News([(entry.position, event_of(entry)) for entry in part.entries], part.after)


def event_of(entry: LogEntry) -> bytes:
    """Return an entry as a server-sent event with its position as id.

    It has no name, so that a browser's `onmessage` gets it; the type is in the data.
    """
    shown = LogEvent.model_validate(entry).model_dump_json()
    return format_sse_event(data_str=shown, id=str(entry.position))
