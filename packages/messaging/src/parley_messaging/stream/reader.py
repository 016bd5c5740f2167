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


class NewMessageReader:
    """Reads messages as events of a stream.

    Args:
        messages: the logs.
        encode: makes the event of a message.
    """

    def __init__(self, *, messages: MessageRepository, encode: Callable[[Message], bytes]) -> None:
        self._messages = messages
        self._encode = encode
        self._reads: SharedWork[Page] = SharedWork()

    async def after(self, interview_id: str, seq: int, *, mark: object) -> Page:
        """Return the next messages after a place, as `(seq, event)`, `PAGE` at most.

        Args:
            interview_id: whose log is read.
            seq: the place.
            mark: what the follower knows of the log: a query that began with another mark may have missed messages.
        """
        work = partial(self._read, interview_id, seq)
        # An empty context: the deadline of the follower who comes first isn't the others'.
        return await self._reads.join((interview_id, seq, mark), work, context=Context())

    async def _read(self, interview_id: str, seq: int) -> Page:
        messages = await self._messages.after(interview_id, seq, limit=PAGE)
        return [(message.seq, self._encode(message)) for message in messages]
