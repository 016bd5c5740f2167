"""Following streams of messages in tests; needs `parley-messaging[testing]`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from parley_core.testing import streams
from parley_messaging import plugin
from parley_messaging.models import MessageLog


def address(resource_id: str, log: MessageLog = plugin.LOG) -> str:
    """Return the address of a resource's messages."""
    return f"/v1{log.prefix}".replace(f"{{{log.path_param}}}", resource_id)


class Listener(streams.Listener):
    """Reads a stream of messages."""

    async def messages(self, count: int) -> list[Any]:
        """Return the next messages, without comments; fewer when the stream ends before."""
        events = await self.events(count)
        assert [event.data["seq"] for event in events] == [event.id for event in events]
        return [event.data for event in events]


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, address: str, headers: dict[str, str], **query: Any
) -> AsyncIterator[Listener]:
    """Open the stream below an address of messages for the time of the block."""
    async with streams.listening(client, f"{address}/stream", headers, **query) as stream:
        yield Listener(stream.response)
