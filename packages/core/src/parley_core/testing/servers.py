"""A MongoDB of one test's own, which may be killed, frozen and cut off; alone here, since other tests share one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from parley_core.embedded import EmbeddedMongoDB


class OwnMongoDB:
    """A MongoDB of the test's own; the test stops `server` at its end.

    Args:
        folder: its data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = EmbeddedMongoDB.start(folder)

    async def restart(self) -> None:
        """Kill it and start it again on the same data."""
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.stop()
        self.server = await asyncio.to_thread(EmbeddedMongoDB.start, self._folder)

    def freeze(self, number: int) -> None:
        """Stop (`SIGSTOP`) or continue (`SIGCONT`) it."""
        os.kill(self.server.pid, number)


class Line:
    """A connection to a MongoDB that a test cuts, so that commands arrive and their answers don't."""

    def __init__(self, path: str) -> None:
        self.uri = ""
        self._path = path
        self._whole = asyncio.Event()
        self._whole.set()
        self._before: bytes | None = None
        self._after: bytes | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, database: OwnMongoDB) -> AsyncIterator["Line"]:
        """Open a line to a database for the time of the block; `uri` is its address."""
        line = cls(unquote(urlsplit(database.server.uri).netloc))
        server = await asyncio.start_server(line._connect, "127.0.0.1", 0)
        line.uri = f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/?directConnection=true"
        try:
            yield line
        finally:
            server.close()
            for task in line._tasks:
                task.cancel()

    def cut(self) -> None:
        """Keep everything that either side sends from now on."""
        self._whole.clear()

    def cut_before(self, command: bytes) -> None:
        """Do so with the next message that contains these bytes, and with all that follow."""
        self._before = command

    def cut_after(self, command: bytes) -> None:
        """Do so once a message that contains these bytes has been sent to the database."""
        self._after = command

    def mend(self) -> None:
        """Deliver what was kept, unless its sender has gone, and all that follows."""
        self._before = self._after = None
        self._whole.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        database_reader, database_writer = await asyncio.open_unix_connection(self._path)
        for source, target in ((reader, database_writer), (database_reader, writer)):
            self._tasks.add(asyncio.create_task(self._carry(source, target)))

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if self._before and self._before in data:
                    self.cut()
                await self._whole.wait()
                if source.at_eof():
                    break
                target.write(data)
                if self._after and self._after in data:
                    self.cut()
        finally:
            target.close()
