"""The response of a stream of server-sent events, and what it ends with.

FastAPI's own (`fastapi.sse.EventSourceResponse`) belongs to endpoints that are generators: their first step would run
after the answer has begun, and each stream would need two tasks and two queues more (docs/decisions/0008).
"""

import random
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Send

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
# Apart from each other, so that those who were sent away together don't come back together.
_RETRY_MILLISECONDS = (1000, 3000)


def retry_hint() -> bytes:
    """Return the event that tells a client in how many milliseconds to come again."""
    return format_sse_event(retry=random.randint(*_RETRY_MILLISECONDS))  # noqa: S311 - no secret depends on it


class EventStream(StreamingResponse):
    """Server-sent events; their source is closed as soon as the client has gone."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes], status_code: int = 200) -> None:
        super().__init__(events, status_code, _HEADERS)
        self._events = events

    async def stream_response(self, send: Send) -> None:
        """Send the events, and close their source in any case."""
        async with aclosing(self._events):
            await super().stream_response(send)
