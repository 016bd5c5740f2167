"""Connections of clients that send what no library sends."""

import http.client
import json
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """One answer on a connection."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem that it is."""
        assert self.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = json.loads(self.body)
        return problem


class Connection:
    """A connection of a client that sends what no library sends."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _SECONDS)
        self._stream = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()
        self.socket.close()

    def send(self, *lines: str, body: bytes = b"") -> None:
        """Send a request that begins with these lines."""
        self.socket.sendall("\r\n".join((*lines, "", "")).encode() + body)

    def answer(self) -> Answer | None:
        """Return the next answer, which has a length or no body; None when the server has ended the connection."""
        try:
            status = self._stream.readline()
        except ConnectionResetError:
            return None
        if not status:
            return None
        headers = http.client.parse_headers(self._stream)
        return Answer(int(status.split()[1]), headers, self._stream.read(int(headers.get("content-length", "0"))))
