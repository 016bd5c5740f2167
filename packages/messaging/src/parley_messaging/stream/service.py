"""All streams of a process: how one begins."""

from parley_auth import ScopedAccess
from parley_core.errors import PositionAhead
from parley_messaging.log.repository import LogHeadReader
from parley_messaging.stream.follower import Follower
from parley_messaging.stream.hub import Hub
from parley_messaging.stream.reader import Encode, NewMessageReader


class MessageStreams:
    """Begins streams of logs.

    Args:
        heads: reads how far a log reaches.
        hub: wakes the followers.
        reader: reads for them.
    """

    def __init__(self, *, heads: LogHeadReader, hub: Hub, reader: NewMessageReader) -> None:
        self._heads = heads
        self._hub = hub
        self._reader = reader

    async def begin(self, access: ScopedAccess, *, after: int, encode: Encode) -> Follower:
        """Return a new stream.

        Args:
            access: what the guard has found.
            after: the place after which it begins.
            encode: makes the event of a message.

        Raises:
            PositionAhead: the log ends before that place.
        """
        if after and after > await self._heads.read(access.resource.id):
            raise PositionAhead
        return Follower(access, after=after, hub=self._hub, reader=self._reader, encode=encode)
