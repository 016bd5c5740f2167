"""A worker process of the message benchmark, and connections to it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.machine import ROOT
from parley_auth.testing import Account


class Worker:
    """A serving process; if `largest` is 1, it commits one transaction for each message, one after the other."""

    def __init__(self, uri: str, folder: Path, *, largest: int = 256, name: str = "") -> None:
        self.socket = str(folder / f"{name}{largest}.sock")
        command = [sys.executable, "-m", "benchmarks.messages", "serve", uri, self.socket, str(largest)]
        self._process = subprocess.Popen(command, cwd=ROOT)

    async def ready(self) -> None:
        """Return when it accepts connections."""
        for _ in range(1000):
            if os.path.exists(self.socket):  # noqa: ASYNC240, PTH110 - nothing else runs yet
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(self.socket)

    @property
    def megabytes(self) -> float:
        """Return its resident memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(30)


class Connection:
    """A kept connection of a client that uses little processor time, which the server needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, member: Account) -> None:
        self._reader = reader
        self._writer = writer
        self._headers = f"Host: x\r\nAuthorization: {member.headers['Authorization']}\r\n"

    async def request(self, method: str, path: str, body: bytes = b"", *, request_id: str = "x") -> tuple[int, bytes]:
        """Return status and body of the answer."""
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\n{self._headers}X-Request-ID: {request_id}\r\n{length}\r\n".encode() + body
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        return int(head[9:12]), await self._reader.readexactly(size)


@asynccontextmanager
async def connected(worker: Worker, member: Account) -> AsyncIterator[Connection]:
    """Open a connection to a worker."""
    reader, writer = await asyncio.open_unix_connection(worker.socket)
    try:
        yield Connection(reader, writer, member)
    finally:
        writer.close()
