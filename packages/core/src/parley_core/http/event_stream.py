"""The response of a stream of server-sent events.

FastAPI's own (`fastapi.sse.EventSourceResponse`) belongs to endpoints that are generators: their first step would run
after the answer has begun, and each stream would need two tasks and two queues more (docs/decisions/0008).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from starlette.types import Send

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


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
