"""The response of a stream of server-sent events, and what it ends with.

FastAPI's own (`fastapi.sse.EventSourceResponse`) belongs to endpoints that are generators: their first step would run
after the answer has begun, and each stream would need two tasks and two queues more (docs/decisions/0008).
"""

import json
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, aclosing
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.types import Receive, Scope, Send

from parley_core.http.requests import HEAD_ONLY
from parley_core.http.sent_headers import UNBUFFERED

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
# Apart from each other, so that those who were sent away together don't come back together.
_RETRY_MILLISECONDS = (1000, 3000)


def retry_hint() -> bytes:
    """Return the event that tells a client in how many milliseconds to come again."""
    return format_sse_event(retry=random.randint(*_RETRY_MILLISECONDS))  # noqa: S311 - no secret depends on it


def streamed(what: str, *, place: str, example: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of a stream: `responses=streamed(...)`.

    Args:
        what: what one event is, like `a message`.
        place: which field of it is the `id`, like `seq`.
        example: one of them.
    """
    event = format_sse_event(data_str=json.dumps(example), id=str(example[place]))
    shown = (event + KEEPALIVE_COMMENT + format_sse_event(retry=2000)).decode()
    description = (
        f"Server-sent events. Each is {what}: `data` is its JSON, `id` its `{place}`; there is no field `event`. Send "
        "the last `id` as `Last-Event-ID` to go on after it, as browsers do by themselves. While nothing happens, a "
        "comment is sent every 15 seconds. When the server stops, the last event has only a `retry` in milliseconds: "
        "come again after that."
    )
    content = {"schema": {"type": "string", "contentMediaType": "text/event-stream"}, "example": shown}
    return {200: {"description": description, "content": {"text/event-stream": content}}}


class EventStream(StreamingResponse):
    """Server-sent events; their source is closed as soon as the client has gone, and then their place is free.

    Args:
        events: the source.
        status_code: its default is what FastAPI documents.
        place: what `StreamBudget.take` has returned.
    """

    media_type = "text/event-stream"
    sent_headers = (UNBUFFERED,)

    def __init__(
        self, events: AsyncGenerator[bytes], status_code: int = 200, *, place: AbstractContextManager[object]
    ) -> None:
        super().__init__(events, status_code, _HEADERS)
        self._events = events
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; close their source in any case, also where the client left before the first of them.

        HEAD is answered with the headers, once the place is free again.
        """
        if HEAD_ONLY in scope:
            with self._place:
                await self._events.aclose()
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b""})
            return
        with self._place:
            async with aclosing(self._events):
                await super().__call__(scope, receive, send)
