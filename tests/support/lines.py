"""A line between workers and MongoDB that is slow, and that is cut in the middle of what is sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from urllib.parse import unquote, urlsplit


class FailingLine:
    """Connections to a MongoDB that take their time and break.

    Args:
        path: the socket of the database.
        chooser: chooses where a connection breaks.
    """

    def __init__(self, path: str, chooser: Random) -> None:
        self.uri = ""
        self.delay_seconds = 0.0
        """How long each piece of data takes, either way."""
        self.cuts = 0
        self._path, self._chooser = path, chooser
        self._breaks_in: int | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, uri: str, chooser: Random) -> AsyncIterator["FailingLine"]:
        """Open a line to a database for the time of the block; `uri` is its address."""
        line = cls(unquote(urlsplit(uri).netloc), chooser)
        server = await asyncio.start_server(line._connect, "127.0.0.1", 0)
        line.uri = f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/?directConnection=true"
        try:
            yield line
        finally:
            server.close()
            line.cut()
            for task in line._tasks:
                task.cancel()

    def cut(self) -> None:
        """Break all connections now; new ones are whole."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    def cut_soon(self) -> None:
        """Break all connections within the next 50 pieces of data: commands arrive without an answer, or don't."""
        self._breaks_in = self._chooser.randrange(50)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        database_reader, database_writer = await asyncio.open_unix_connection(self._path)
        self._open |= {writer, database_writer}
        for source, target in ((reader, database_writer), (database_reader, writer)):
            task = asyncio.create_task(self._carry(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await asyncio.sleep(self.delay_seconds)
                target.write(data[: len(data) // 2] if self._breaks() else data)
                if self._breaks_in is not None and self._breaks_in < 0:
                    self._breaks_in = None
                    self.cuts += 1
                    self.cut()
        except ConnectionError:
            pass
        finally:
            self._open.discard(target)
            target.close()

    def _breaks(self) -> bool:
        """Return whether the line breaks in the middle of this piece."""
        if self._breaks_in is None:
            return False
        self._breaks_in -= 1
        return self._breaks_in < 0
