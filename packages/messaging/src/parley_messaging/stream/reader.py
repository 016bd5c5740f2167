"""New messages as followers read them: those who are at the same place share one query and one encoding."""

from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial

from parley_core.waiting import SharedWork
from parley_messaging.log.repository import MessageRepository
from parley_messaging.models import Message

# The number of messages that a reader who takes nothing keeps in memory at most.
PAGE = 20
Page = Sequence[tuple[int, bytes]]
Encode = Callable[[Message], bytes]


class NewMessageReader:
    """Reads messages as events of a stream.

    Args:
        messages: the logs.
    """

    def __init__(self, messages: MessageRepository) -> None:
        self._messages = messages
        self._reads: SharedWork[Page] = SharedWork()

    async def after(self, log_id: str, seq: int, *, mark: object, encode: Encode) -> Page:
        """Return the next messages after a place, as `(seq, event)`, `PAGE` at most.

        Args:
            log_id: the log.
            seq: the place.
            mark: what the follower knows of the log: a query that began with another mark may have missed messages.
            encode: makes the event of a message.
        """
        work = partial(self._read, log_id, seq, encode)
        # An empty context: the deadline of the follower who comes first isn't the others'.
        return await self._reads.join((log_id, seq, mark, encode), work, context=Context())

    async def _read(self, log_id: str, seq: int, encode: Encode) -> Page:
        messages = await self._messages.after(log_id, seq, limit=PAGE)
        return [(message.seq, encode(message)) for message in messages]
