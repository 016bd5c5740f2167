"""Receivers for tests: real TCP and TLS on a loopback address, with the answers that a test wants."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import trustme


@dataclass(frozen=True)
class Received:
    """A request as it arrived; header names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def answering(status: int = 200, *headers: str, body: bytes = b"") -> Answering:
    """Return what answers each request like this and keeps the connection."""
    head = "\r\n".join((f"HTTP/1.1 {status} X", *headers, f"Content-Length: {len(body)}", "", "")).encode()

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)
        await writer.drain()

    return answer


class Listener:
    """Counts the TCP connections to an address, and ends each at once.

    Args:
        host: a loopback address.
        port: 0 takes a free one.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host, self.port = host, port
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, self.port, ssl=self._tls())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, host: str, path: str = "/") -> str:
        """Return the address of a path here, under any name."""
        return f"https://{f'[{host}]' if ':' in host else host}:{self.port}{path}"

    def _tls(self) -> ssl.SSLContext | None:
        return None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError):
            pass  # The sender has left, which is for the test to see.
        finally:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """End at once."""


class Receiver(Listener):
    """Takes deliveries on TLS and answers them.

    Args:
        authority: signs its certificate.
        names: the names and addresses in its certificate.
        answer: writes the answer to a request.
        host: a loopback address.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        authority: trustme.CA,
        *names: str,
        answer: Answering | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host, port)
        self.answer = answer or answering()
        self.certificate = authority.issue_cert(*names)
        self.received: list[Received] = []
        self.asked_for: list[str | None] = []
        """The server names in the TLS handshakes, None where there was none."""

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.sni_callback = lambda _, name, __: self.asked_for.append(name)
        self.certificate.configure_cert(context)
        return context

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            received = Received(line, headers, body)
            self.received.append(received)
            await self.answer(received, writer)
