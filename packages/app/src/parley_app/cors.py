"""What pages of other origins may do in a browser: ask first, read answers, and never with cookies (Fetch, 3.3)."""

from collections.abc import Iterable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parley_app.origins import ANY
from parley_core.http.requests import RequestLog

_EXPOSED = "Allow, Cache-Status, ETag, Link, Location, Parley-Conflicts, Retry-After, WWW-Authenticate, X-Request-ID"
_TAKEN = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-ID, "
    # The Authorize button of Swagger UI sends it from wherever it is.
    "X-Requested-With"
)
_SEEN = ((b"access-control-expose-headers", _EXPOSED.encode()),)
_ASKED = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", _TAKEN.encode()),
    # No browser keeps it for longer than two hours.
    (b"access-control-max-age", b"7200"),
)
_VARY = (b"vary", b"Origin")
Header = tuple[bytes, bytes]


class Cors:
    """Which origins' pages may use the API.

    Args:
        origins: as browsers send them, or `*` alone for all; none: nothing is added to any answer.
    """

    def __init__(self, origins: Sequence[str] | None) -> None:
        self._is_used, self._takes_all = bool(origins), ANY in (origins or ())
        names = [origin.encode() for origin in origins or ()]
        self._allowed = {name: (b"access-control-allow-origin", name) for name in names}

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application as pages of these origins may use it: each preflight is answered before it."""
        return _Preflights(self.readable(app), self) if self._is_used else app

    def readable(self, app: ASGIApp) -> ASGIApp:
        """Return the application with answers that pages of these origins may read."""
        return _Readable(app, self) if self._is_used else app

    def headers_for(self, asked: Iterable[Header], added: Sequence[Header] = _SEEN) -> list[Header]:
        """Return what an answer says to browsers.

        Args:
            asked: the headers of the request.
            added: what is said besides, where the page may read the answer.
        """
        if not self._is_used:
            return []
        origin = ANY.encode() if self._takes_all else next((value for name, value in asked if name == b"origin"), b"")
        permitted = self._allowed.get(origin)
        # Without Vary a cache would give one page's answer to another, also one that was made for no page.
        vary = [] if self._takes_all else [_VARY]
        return [*vary, permitted, *added] if permitted else vary


class _Preflights:
    """Pure ASGI middleware that answers the preflight of every address alike, so that it says nothing about any."""

    def __init__(self, app: ASGIApp, cors: Cors) -> None:
        self.app = app
        self._cors = cors
        self._permitting = RequestLog(self._permit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_asked = scope["type"] == "http" and scope["method"] == "OPTIONS" and _is_preflight(scope["headers"])
        await (self._permitting if is_asked else self.app)(scope, receive, send)

    async def _permit(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self._cors.headers_for(scope["headers"], _ASKED)
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class _Readable:
    """Pure ASGI middleware that adds to each answer who may read it."""

    def __init__(self, app: ASGIApp, cors: Cors) -> None:
        self.app = app
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = self._cors.headers_for(scope["headers"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _is_preflight(headers: Iterable[Header]) -> bool:
    return {b"origin", b"access-control-request-method"} <= {name for name, _ in headers}
