"""uvicorn's HTTP protocol with what RFC 9112 asks of a server beyond it. uvicorn's own names are used here alone."""

import logging
import re
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from parley_core import ParleyError, request_id_of
from parley_core.errors import ValidationError
from parley_core.http.problems import problem_response
from parley_core.http.requests import RequestLog

_VERSIONS = {"1.0", "1.1"}
# RFC 3986, 3.2.2: a name, an IPv4 address or something in brackets.
_HOST = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]*|\[[\w:.%~-]+\])(?::\d*)?", re.ASCII)
_CLOSE = {"Connection": "close"}
_access = logging.getLogger("parley.access")


class Protocol(HttpToolsProtocol):
    """One connection.

    - What follows the headers is never one: trailers are dropped (RFC 9110, 6.5.1).
    - Host is sent exactly once in HTTP/1.1 and at most once in HTTP/1.0 (RFC 9112, 3.2): else 400. Other versions: 400.
    - A request that can't be read is answered with a problem too, unless an answer has begun already.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_in_head = False
        self._running: Any = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        application = self.app
        if refusal := _refusal_of(self.parser.get_http_version(), self.headers):
            # Answered in its turn, like any other request, but never by another protocol.
            self.headers[:] = [header for header in self.headers if header[0] != b"upgrade"]
            self.app = RequestLog(_Refused(refusal))
        super().on_headers_complete()
        self.app = application

    def connection_lost(self, exc: Exception | None) -> None:
        self._abandon()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        if self._running is None or self._running.response_complete or not self._running.response_started:
            request_id = uuid.uuid4().hex
            self.transport.write(self._written(ValidationError(msg), request_id))
            _access.info("- - %d 0.0ms request=%s", ValidationError.status, request_id)
        self._abandon()
        self.transport.close()

    def _abandon(self) -> None:
        """Give up the request that is being answered and those behind it: nothing more is written for them.

        uvicorn does so for the last request alone, so that the answer to an earlier one met a closed transport.
        """
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _written(self, error: ParleyError, request_id: str) -> bytes:
        """Return the answer of a request that no application gets to see."""
        answer = problem_response(error, request_id, _CLOSE)
        lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
        headers = [*self.server_state.default_headers, *answer.raw_headers, (b"x-content-type-options", b"nosniff")]
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join((*lines, b"", bytes(answer.body)))


class _Refused:
    """An application that answers a request with an error, and its connection ends."""

    def __init__(self, error: ParleyError) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await problem_response(self._error, request_id_of(scope), _CLOSE)(scope, receive, send)


def _refusal_of(version: str, headers: Sequence[tuple[bytes, bytes]]) -> ParleyError | None:
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) == 1 and version in _VERSIONS and _HOST.fullmatch(hosts[0]):
        return None
    if version not in _VERSIONS:
        return ValidationError("This server speaks HTTP/1.1 and HTTP/1.0")
    if not hosts and version == "1.0":
        return None
    return ValidationError("The header Host must be sent exactly once, as a host with or without a port")
