"""uvicorn's HTTP protocol with what RFC 9112 asks of a server beyond it. uvicorn's own names are used here alone."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from parley_app.connections import Connections
from parley_app.cors import Cors
from parley_app.heads import NOWHERE, is_sound, refusal_of
from parley_app.listening import peer_of
from parley_app.proxies import Proxies
from parley_core import ParleyError, request_id_of
from parley_core.errors import HeadersTooLarge, Unavailable, ValidationError
from parley_core.http.access import ProbeAnswers, log_request
from parley_core.http.problems import problem_response
from parley_core.http.requests import RequestLog

_CLOSE = {"Connection": "close"}
# A transport reads 256 KiB at once: a head may begin in one piece with the end of a body, and end in one with another.
_READ_BYTES = 2 * 256 * 1024
_REFUSED_SECONDS = 1.0
# Who reads more slowly reads nothing.
_BYTES_PER_SECOND = 1024
# A stop waits so long for a client that reads nothing, and so does a new connection that needs room.
_STOP_SECONDS = 1.0
_ROOM_SECONDS = 5.0
_LOOK_SECONDS = 0.25


class Protocol(HttpToolsProtocol):
    """One connection.

    - What follows the headers is never one: trailers are dropped (RFC 9110, 6.5.1).
    - Host is sent exactly once in HTTP/1.1 and at most once in HTTP/1.0 (RFC 9112, 3.2): else 400. Other versions: 400.
    - A connection whose body wasn't read to its end is closed with the answer.
    - A request that can't be read is answered with a problem too, unless an answer has begun already.
    - A request whose head is too large: 431. One that is late with it, or a client that doesn't read: the end.

    Args:
        connections: those of the process.
        proxies: whose `X-Request-ID` is kept; None for everybody's.
        cors: which other origins' pages may read what is refused here.
        probes: what the probes were answered before.
        options: what uvicorn gives.
    """

    def __init__(
        self,
        connections: Connections,
        proxies: Proxies | None,
        cors: Cors,
        probes: ProbeAnswers,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._proxies = proxies
        self._cors = cors
        self._probes = probes
        self._keeps_ids = True
        self._all = connections
        self._limits = connections.limits
        self._head_seconds = connections.limits.head_seconds
        self._received = 0
        self._waits_since: float | None = None
        self._running: Any = None
        self._is_blocked = False
        self._unsent: tuple[float, int] | None = None
        self._is_open = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if by_unix_socket := self.server is not None and self.server[1] is None:
            self.server = None
        self.client = peer_of(self.client, by_unix_socket=by_unix_socket)
        self._waits_since = time.monotonic()
        self._keeps_ids = self._proxies is None or (self.client is not None and self.client[0] in self._proxies)
        self._all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_open = False
        self._all.remove(self)
        self._abandon()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received = len(data) + (self._received if self._is_in_head else 0)
        if self._received > self._limits.head_bytes + _READ_BYTES and self._is_in_head:
            self._refuse(HeadersTooLarge())
            return
        super().data_received(data)
        if not self._is_in_head and not self._is_idle and not self.cycle.more_body:
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = time.monotonic()

    def handle_websocket_upgrade(self) -> None:
        self._all.remove(self)
        super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        if not self._keeps_ids:
            self.headers[:] = [header for header in self.headers if header[0] != b"x-request-id"]
        hosts = [value for name, value in self.headers if name == b"host"]
        if is_sound(self.parser.get_http_version(), hosts) and self._received <= self._limits.head_bytes:
            super().on_headers_complete()
        else:
            self._complete_unless_refused(hosts)
        # The application has the list; what comes now are trailers. An upgrade reads it again, and has none.
        self.headers = tuple(self.headers) if self.parser.should_upgrade() else NOWHERE  # type: ignore[assignment]
        self._waits_since = None

    def _complete_unless_refused(self, hosts: Sequence[bytes]) -> None:
        application = self.app
        if refusal := self._refusal(hosts):
            # Answered in its turn, like any other request, but never by another protocol.
            self.url, self.headers[:] = b"/", [header for header in self.headers if header[0] != b"upgrade"]
            self.app = self._cors.readable(self._refusing(refusal))
        super().on_headers_complete()
        self.app = application

    def on_response_complete(self) -> None:
        # uvicorn would read the rest of a body that nobody wants, however long and slow it is.
        if self._running is not None and self._running.more_body:
            self.transport.close()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(ValidationError(msg))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_blocked = True

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_blocked, self._unsent = False, None

    def shutdown(self) -> None:
        super().shutdown()
        self._end_if_stuck()

    def turn_away(self) -> None:
        """Answer the first request 503, and wait a second for it."""
        refusal = Unavailable("The server has as many connections as it can serve: try again soon")
        self.app = self._cors.readable(self._refusing(refusal))
        self._head_seconds = _REFUSED_SECONDS

    def end(self) -> None:
        """End it without sending what waits to be sent."""
        self.transport.abort()

    def expendable(self, now: float) -> tuple[int, float] | None:
        """Return how soon it is ended for want of room: who keeps the server waiting longest first, then the idle."""
        if self._waits_since is not None:
            return 0, self._waits_since
        if self._is_stuck(now, _ROOM_SECONDS) and self._unsent:
            return 0, self._unsent[0]
        return (1, 0) if self._is_idle else None

    def is_overdue(self, now: float) -> bool:
        """Return whether it waits for a request's head, or for its client to read, for too long."""
        if self._is_idle and self._waits_since is not None and now - self._waits_since >= self._head_seconds:
            return True
        return self._is_stuck(now, self._limits.write_seconds)

    @property
    def _is_in_head(self) -> bool:
        # uvicorn makes a list when a request begins.
        return type(self.headers) is list

    @property
    def _is_idle(self) -> bool:
        return self._running is None or bool(self._running.response_complete)

    def _is_stuck(self, now: float, seconds: float) -> bool:
        """Return whether what waits to be sent has hardly become less in so many seconds."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or not (self._is_blocked or self.transport.is_closing()):
            self._unsent = None
            return False
        if self._unsent is None or unsent <= self._unsent[1] - _BYTES_PER_SECOND * seconds:
            self._unsent = now, unsent
        return now - self._unsent[0] >= seconds

    def _end_if_stuck(self) -> None:
        """While the server stops: look again and again, for all of its connections are waited for."""
        if not self._is_open:
            return
        if self._is_stuck(time.monotonic(), _STOP_SECONDS):
            self.end()
        self.loop.call_later(_LOOK_SECONDS, self._end_if_stuck)

    def _refusal(self, hosts: Sequence[bytes]) -> ParleyError | None:
        """Return why the request whose head has arrived is none."""
        if len(self.url) + sum([len(name) + len(value) for name, value in self.headers]) > self._limits.head_bytes:
            return HeadersTooLarge()
        return refusal_of(self.parser.get_http_version(), hosts)

    def _refuse(self, error: ParleyError) -> None:
        """Answer what no application gets to see, and end the connection."""
        if self._is_idle or not self._running.response_started:
            request_id = uuid.uuid4().hex
            self.transport.write(self._written(error, request_id))
            log_request("-", "-", error.status, 0, request_id=request_id)
        self._abandon()
        self.transport.close()

    def _written(self, error: ParleyError, request_id: str) -> bytes:
        answer = problem_response(error, request_id, _CLOSE)
        lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
        asked = self.headers if self._is_in_head else ()
        headers = [*self.server_state.default_headers, *answer.raw_headers, *self._cors.headers_for(asked)]
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join((*lines, b"", bytes(answer.body)))

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

    def _refusing(self, error: ParleyError) -> RequestLog:
        """Return an application that answers a request with an error, after which its connection ends."""

        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            await problem_response(error, request_id_of(scope), _CLOSE)(scope, receive, send)

        return RequestLog(refuse, probes=self._probes)
