"""All streams of a process: how one begins, and how they end."""

from collections.abc import Sequence

from parley_auth import Access
from parley_core import EventLog
from parley_core.errors import PositionAhead
from parley_events.feed import EventTypes
from parley_events.stream.ending import Ending
from parley_events.stream.follower import Follower
from parley_events.stream.reader import NewEventReader


class EventStreams:
    """Begins streams of the log, and ends them when the server is asked to stop."""

    def __init__(self, *, log: EventLog, reader: NewEventReader, types: EventTypes) -> None:
        self._log = log
        self._reader = reader
        self._types = types
        self._ending = Ending()

    async def begin(self, access: Access, *, after: int, types: Sequence[str]) -> Follower:
        """Return a new stream.

        Args:
            access: what the guard has found.
            after: the position after which it begins.
            types: the types of events that are wanted; all if there are none.

        Raises:
            UnknownEventType: no plugin declares one of the types.
            PositionAhead: the log ends before that position.
        """
        wanted = self._types.check(types, pointer="?type.")
        if after and after > await self._log.head():
            raise PositionAhead
        return Follower(access, after=after, types=wanted, log=self._log, reader=self._reader, ending=self._ending)

    def end(self) -> None:
        """End all streams, those to come included."""
        self._ending.come()
