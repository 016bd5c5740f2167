"""What surrounds a request: its id (RFC 9457's `instance`, the log and the history name it) and its log line."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parley_core.http.framework import matched_route

HEADER = "X-Request-ID"
_RAW_HEADER = HEADER.lower().encode()
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = "parley.request_id"
_log = logging.getLogger("parley.access")


def request_id_of(scope: Scope) -> str:
    """The id of a request; a caller's own `X-Request-ID` is kept when it is 1 to 64 of `A-Za-z0-9._-`."""
    if _KEY not in scope:
        given = Headers(scope=scope).get(HEADER, "")
        scope[_KEY] = given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex
    return str(scope[_KEY])


class RequestLog:
    """Pure ASGI middleware: answers `X-Request-ID` and logs one line a request.

    The line holds the route's template, never the path or the query, which may hold tokens and names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, started, status = request_id_of(scope), time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # An error's answer has it already, for handlers that lie outside of this.
                if not any(name == _RAW_HEADER for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (_RAW_HEADER, request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            if _log.isEnabledFor(logging.INFO):
                _log.info(
                    "%s %s %d %.1fms request=%s",
                    scope["method"],
                    route_template(scope),
                    status,
                    (time.perf_counter() - started) * 1000,
                    request_id,
                )


def path_of(scope: Scope) -> str:
    """The path as routes spell it, without the prefix under which a proxy serves the application."""
    return str(scope["path"].removeprefix(scope.get("root_path", "")))


def route_template(scope: Scope) -> str:
    """The path of the matched route with its parameters' names, like `/v1/interviews/{interview_id}`; else "-"."""
    return str(getattr(matched_route(scope), "path_format", "-"))
