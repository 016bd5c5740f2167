"""Streams in tests: a real server, since httpx's transport for applications can't stream, and what arrives from it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

_SECONDS = 10


@dataclass(frozen=True)
class StreamEvent:
    """One block of a stream: an event, a comment or a retry hint."""

    fields: dict[str, str]

    @property
    def id(self) -> int:
        """The id of an event that has a number."""
        return int(self.fields["id"])

    @property
    def data(self) -> Any:
        """The data of an event that is JSON."""
        return json.loads(self.fields["data"])


class Listener:
    """Reads a stream block by block."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, seconds: float = _SECONDS) -> StreamEvent | None:
        """Return the next block; None when the stream has ended."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(seconds):
            async for line in self._lines:
                if not line:
                    return StreamEvent(fields)
                name, _, value = line.partition(":")
                fields[name or "comment"] = value.strip()
        return None

    async def events(self, count: int) -> list[StreamEvent]:
        """Return the next events, without comments; fewer when the stream ends before."""
        found: list[StreamEvent] = []
        while len(found) < count and (event := await self.next()):
            if "data" in event.fields:
                found.append(event)
        return found

    async def rest(self, seconds: float = _SECONDS) -> list[StreamEvent]:
        """Return all blocks up to the end."""
        found = []
        async with asyncio.timeout(seconds):
            while event := await self.next(seconds):
                found.append(event)
        return found


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, address: str, headers: dict[str, str], **query: Any
) -> AsyncIterator[Listener]:
    """Open a stream for the time of the block."""
    async with client.stream("GET", address, headers=headers, params=query) as response:
        if response.status_code != httpx.codes.OK:
            await response.aread()
        yield Listener(response)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the application and return a client."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=2))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if serving.done():
                raise RuntimeError("the server did not start")
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=_SECONDS) as client:
            yield client
    finally:
        server.should_exit = True
        await serving
