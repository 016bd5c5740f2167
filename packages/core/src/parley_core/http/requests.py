"""What a request knows: its id, its log line, its route, and the composed application that answers it."""

import os
import random
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote

from fastapi.requests import HTTPConnection
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parley_core.http.access import PROBES, ProbeAnswers, is_logged, log_request
from parley_core.http.limits import RequestLimits
from parley_core.log_lines import current_request

T = TypeVar("T")
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])
HEADER = "X-Request-ID"
_NO_BODY = {"type": "http.response.body", "body": b""}
# RFC 3986, 3.3, without what clients take for the end of an address in a `Link`.
_IN_PATHS = "/:@!$&()*+="
_RAW_HEADER = HEADER.lower().encode()
_ACCEPTED = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_KEY = "parley.request_id"
_FASTAPI = "fastapi"
# An id is no secret: it has to be another one than those of all processes, which a seed of the system's makes sure.
_numbers = random.Random()  # noqa: S311 - see above
_random_bits = _numbers.getrandbits
os.register_at_fork(after_in_child=_numbers.seed)
NO_ROUTE = "-"
NO_STORE = (b"cache-control", b"no-store")
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
ADMITTED = "parley.admitted"
"""Where a cached route keeps its gate and what that gate found, for the same request."""
HEAD_ONLY = "parley.head_only"
"""Stands in the scope of a HEAD request that the route for GET answers."""


class Composition(Protocol):
    """What the lower rooms know of `Parley`, which composes them."""

    @property
    def request_timeout_seconds(self) -> float:
        """The time that one request's database work may take."""

    @property
    def request_limits(self) -> RequestLimits:
        """What one request may ask of the process."""

    @property
    def public_url(self) -> str | None:
        """What absolute addresses begin with, without a slash at its end; None for what each request was sent to."""

    def services(self, cls: type[T], /) -> list[T]:
        """Return every service that derives from a class, or has the methods of a runtime-checkable protocol."""

    def require(self, cls: type[T], /) -> T:
        """Return the service of a class.

        Raises:
            StartupError: there is none; the message names the class and the package that should bring it.
        """


def composition_of(scope: Scope) -> Composition:
    """Return the composed application that a request or a WebSocket was sent to."""
    composition: Composition = scope["app"].state.parley
    return composition


def provided(cls: type[T]) -> Callable[[HTTPConnection], Awaitable[T]]:
    """Return a FastAPI dependency that finds a service: `Annotated[OrderService, Depends(provided(OrderService))]`.

    The dependencies of one class are equal, so that `app.dependency_overrides[provided(OrderService)]` replaces it.

    Args:
        cls: a class whose one instance a plugin returned from its hook `parley_services`.
    """
    return Provided(cls)


@dataclass(frozen=True)
class Provided(Generic[T]):
    """A dependency that finds the service of a class; see `provided`."""

    cls: type[T]

    async def __call__(self, connection: HTTPConnection) -> T:
        return composition_of(connection.scope).require(self.cls)


def of_address(function: AnyFunction) -> AnyFunction:
    """Declare that a dependency takes nothing but path and query from the request, and refuses no request.

    A cached route may have it: its result is the same for all requests that share an answer, and a hit may skip it.
    """
    function.of_address = True  # type: ignore[attr-defined]
    return function


def reads_only_address(function: object) -> bool:
    """Return whether a dependency is declared with `of_address`."""
    return getattr(function, "of_address", None) is True


def request_id_of(scope: Scope) -> str:
    """Return the id of a request; a caller's own `X-Request-ID` is kept when it is 1 to 64 of `A-Za-z0-9._-`."""
    known: str | None = scope.get(_KEY)
    if known is None:
        known = scope[_KEY] = _given_id(scope) or f"{_random_bits(128):032x}"
    return known


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _RAW_HEADER:
            return value.decode() if _ACCEPTED.fullmatch(value) else None
    return None


def admitted_by(gate: object, connection: HTTPConnection) -> Any:
    """Return what this gate has found already for this very request; None when it wasn't asked yet."""
    asked, result = connection.scope.get(ADMITTED, (None, None))
    return result if asked is gate else None


def path_of(scope: Scope) -> str:
    """Return the path as routes spell it, without the prefix under which a proxy serves the application.

    Some proxies pass the prefix on and some don't: either way the request is for the same route.
    """
    path, prefix = str(scope["path"]), scope.get("root_path", "")
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def outer_path_of(scope: Scope) -> str:
    """Return the path as callers spell it in an address, with the prefix of the proxy exactly once."""
    return in_address(f"{scope.get('root_path', '')}{path_of(scope)}")


def in_address(path: str) -> str:
    """Return a path as it is spelt in an address."""
    return quote(path, safe=_IN_PATHS)


def methods_answered(methods: Collection[str]) -> set[str]:
    """Return the methods of requests that a route with these answers: HEAD wherever GET is one (RFC 9110, 9.3.2)."""
    return {*methods, "HEAD"} if "GET" in methods else set(methods)


def route_template(scope: Scope) -> str:
    """Return the path of the matched route with its parameters' names, like `/v1/users/{user_id}`; else NO_ROUTE."""
    return str(getattr(_effective_route(scope) or scope.get("route"), "path_format", NO_ROUTE))


def added_dependencies(scope: Scope) -> Sequence[Any]:
    """Return the dependencies that including applications and routers added to the matched route."""
    return getattr(_effective_route(scope), "dependencies", ())


def found_by(scope: Scope, route: BaseRoute, effective: Any, values: Mapping[str, object]) -> None:
    """Let a request know the route that it was found to be for, as it does when FastAPI has found it.

    Args:
        scope: the request's.
        route: the route as its router made it.
        effective: what `parley_core.http.framework.effective_of` returns of it.
        values: those of the path's parameters.
    """
    scope["route"], scope["endpoint"] = route, effective.endpoint
    scope["path_params"] = {**scope.get("path_params", {}), **values}
    scope[_FASTAPI] = {"effective_route_context": effective}


def _effective_route(scope: Scope) -> Any:
    # Of an included router's route only this private entry knows the prefixes and the added dependencies.
    return scope.get(_FASTAPI, {}).get("effective_route_context")


class RequestLog:
    """Pure ASGI middleware: adds headers to answers and logs one line per request, of probes only changes.

    Every answer gets `X-Request-ID`. Those that Parley makes also get `X-Content-Type-Options: nosniff`, and
    `Cache-Control: no-store` and `Strict-Transport-Security` unless they say something else about that.
    No answer to HEAD has a body, whoever made it.
    The line contains the route's template, never the path or the query, which may contain tokens and names.

    Args:
        app: the application.
        answers_for: whether Parley makes the answer to a request; None for all.
        hsts_seconds: how long browsers shall use HTTPS alone; 0 says nothing. Never said over HTTP (RFC 6797, 7.2).
        probes: what the probes were answered before; None for a log of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        answers_for: Callable[[Scope], bool] | None = None,
        hsts_seconds: int = 0,
        probes: ProbeAnswers | None = None,
    ) -> None:
        self.app = app
        self._probes = probes or ProbeAnswers()
        self._answers_for = answers_for
        self._over_http = NO_STORE, NO_SNIFFING
        hsts = (b"strict-transport-security", f"max-age={hsts_seconds}".encode())
        self._over_https = (*self._over_http, hsts) if hsts_seconds else self._over_http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, started, status = request_id_of(scope), time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._headers_of(message, scope, request_id)
            elif scope["method"] == "HEAD":
                message = {**_NO_BODY, "more_body": message.get("more_body", False)}
            await send(message)

        before = current_request.set(request_id)
        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            current_request.reset(before)
            is_probe = scope["path"].endswith(PROBES)
            if (not is_probe or self._probes.is_news(scope["method"], path_of(scope), status)) and is_logged():
                seconds = time.perf_counter() - started
                log_request(scope["method"], route_template(scope), status, seconds, request_id=request_id)

    def _headers_of(self, message: Message, scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
        # A loop, since a comprehension is a call in Python 3.11, and each request comes here.
        headers, given = [*message["headers"]], dict(message["headers"])
        if self._answers_for is None or self._answers_for(scope):
            for header in self._over_https if scope.get("scheme") == "https" else self._over_http:
                if header[0] not in given:
                    headers.append(header)  # noqa: PERF401 - see above
        # An error's answer has it already, since some handlers are outside of this middleware.
        if _RAW_HEADER not in given:
            headers.append((_RAW_HEADER, request_id.encode()))
        return headers
