"""The ends of logs as followers read them: those who stand at one place share one query and one encoding."""

import asyncio
from collections.abc import Hashable, Sequence
from contextvars import Context

from fastapi.sse import format_sse_event

from parley_core import Database
from parley_messaging import schemas
from parley_messaging.models import Message
from parley_messaging.repository import MessageRepository

# What a reader that takes nothing holds in memory: at most as many messages.
PAGE = 20
Page = Sequence[tuple[int, bytes]]


class Tails:
    """Reads messages as events of a stream."""

    def __init__(self, database: Database) -> None:
        self._messages = MessageRepository(database)
        self._readings: dict[Hashable, asyncio.Task[Page]] = {}

    async def behind(self, interview_id: str, seq: int, *, mark: object) -> Page:
        """The next messages behind a place, as `(seq, event)`, `PAGE` at most.

        Args:
            interview_id: whose log is read.
            seq: the place.
            mark: what the reader knows of the log: a query that began with another mark may not have seen it all.
        """
        key = (interview_id, seq, mark)
        if (reading := self._readings.get(key)) is None:
            # A task of its own, so that a reader who goes away doesn't take the answer from the others.
            reading = asyncio.get_running_loop().create_task(self._read(interview_id, seq), context=Context())
            self._readings[key] = reading
            reading.add_done_callback(lambda _: self._readings.pop(key))
        return await asyncio.shield(reading)

    async def _read(self, interview_id: str, seq: int) -> Page:
        messages = await self._messages.after(interview_id, seq, limit=PAGE)
        return [(message.seq, _event(message)) for message in messages]


def _event(message: Message) -> bytes:
    shown = schemas.Message.model_validate(message).model_dump_json()
    return format_sse_event(data_str=shown, id=str(message.seq))
