"""Routes that answer in the contract's order and read bodies and queries strictly.

FastAPI parses the body before any dependency runs, so that an anonymous caller's broken JSON would be
answered before the guard has seen the caller. A `ParleyRoute` keeps what is wrong with the body until the
dependencies have passed.
"""

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, Request, Response, params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from parley_core.data.deadline import time_limit
from parley_core.http.absolute import parts_of, with_beginnings
from parley_core.http.acknowledgements import SAFE, acknowledging
from parley_core.http.bodies import DeferredRequest
from parley_core.http.gates import gates_of
from parley_core.http.parameters import HeaderNames, QueryNames, lists_among
from parley_core.http.requests import HEAD_ONLY, composition_of
from parley_core.http.sent_headers import LINK, headers_of

Endpoint = Callable[..., Awaitable[Any]]
Handle = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
_GROUP = re.compile(r"\(\?P<\w+>")
_WITHOUT_BODY = {"GET", "HEAD"}
# The request that is being answered, for the checks between its dependencies and its endpoint.
_current: ContextVar[DeferredRequest] = ContextVar("parley_request")


@dataclass(frozen=True)
class PublicRoute:
    """A route that anyone may call, declared through the hook `parley_public_routes`.

    Args:
        method: like `POST`; `GET` declares HEAD too.
        path: the full path, like `/v1/auth/login`; it may not contain a participant scope's parameter.
        reason: why it is public, one sentence for `parley policy`.
    """

    method: str
    path: str
    reason: str


class ParleyRoute(APIRoute):
    """A route that answers 401, 404 and 403 before it says anything about the body or the query."""

    completes_links = True
    """Whether the `Link` that it makes is of use to one request alone."""
    small_bodies = False
    """Whether its bodies are a few words, which `PARLEY_SMALL_BODY_BYTES` limits."""
    headings: Mapping[str, str] = MappingProxyType({})
    """Its tag and what its router says about it."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        if not inspect.iscoroutinefunction(endpoint):
            raise TypeError(f"the endpoint of {path} must be an `async def` function that returns its answer")
        super().__init__(path, self._checked(endpoint), **options)
        self.query, self._headers = QueryNames(self.dependant), HeaderNames(self.dependant)

    def _checked(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint, called only when the query has no unknown parameter and the body was readable.

        No query parameter or header that takes one value is there twice, either.
        """

        @functools.wraps(endpoint)
        async def checked(**values: Any) -> Any:
            request = _current.get()
            self.query.check(request)
            self._headers.check(request)
            if request.refusal:
                raise request.refusal
            request.is_admitted = True
            return await endpoint(**values)

        return checked

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, expects_json, reads_body = super().get_route_handler(), self.expects_json, self.reads_body
        lists = lists_among(self.dependant.body_params)
        is_paged = self.completes_links and LINK in headers_of(self.dependant)
        # Whoever passes no gate reads no cached list.
        if not SAFE.issuperset(self.methods or ()) and any(gates_of(self.dependant)):
            handle = acknowledging(handle)

        async def handle_in_order(received: Request) -> Response:
            composition = composition_of(received.scope)
            limits = composition.request_limits
            request = DeferredRequest(received.scope, received.receive, limits=limits, lists=lists)
            # Before the time for the database begins, none of which a slow line uses up.
            if reads_body:
                await request.load(limits.small_body_bytes if self.small_bodies else limits.body_bytes)
            token = _current.set(request)
            try:
                with time_limit(composition.request_timeout_seconds):
                    answer = await handle(request)
            except RequestValidationError as error:
                raise request.reason_against(expects_json=expects_json) or error from None
            finally:
                _current.reset(token)
            if is_paged and (link := answer.headers.get("link")):
                parts = parts_of(link.encode("latin-1"))
                answer.headers["link"] = with_beginnings(parts, composition, request.scope).decode("latin-1")
            return answer

        return handle_in_order

    @property
    def reads_body(self) -> bool:
        """Whether a body is read and checked, be it that the endpoint takes one or not."""
        return bool(self.dependant.body_params) or not (self.methods or set()) <= _WITHOUT_BODY

    @property
    def expects_json(self) -> bool:
        """Whether the route takes a body and takes it as JSON."""
        return bool(self.dependant.body_params) and not any(
            isinstance(parameter.field_info, params.Form) for parameter in self.dependant.body_params
        )


class Router(APIRouter):
    """The router of a plugin: an `APIRouter` of `ParleyRoute`s whose operation ids are the functions' names.

    Args:
        prefix: the path below `/v1`, like `/interviews`.
        tag: the heading in the documentation.
        description: what belongs under that heading, for the documentation; one router of a tag says it.
        versioned: False mounts it at the root instead, where a standard fixes the address or people type it.
        small_bodies: its bodies are a few words, such as credentials: `PARLEY_SMALL_BODY_BYTES` limits them.
    """

    def __init__(
        self, *, prefix: str, tag: str, description: str = "", versioned: bool = True, small_bodies: bool = False
    ) -> None:
        self.versioned = versioned
        self._headings = {tag: description}
        self._shape, self._shaped = re.compile(""), 0
        self.small_bodies = small_bodies
        super().__init__(
            prefix=prefix,
            tags=[tag],
            route_class=ParleyRoute,
            generate_unique_id_function=lambda route: route.name,
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether one of the routes matches; they are tried only where the path ends like one of theirs.

        An application has many routers, and would try each route of all those that come before the right one.
        """
        if self._shaped != len(self.routes):
            self._shape, self._shaped = _shape_of(self.routes), len(self.routes)
        if not self._shape.search(scope["path"]):
            return Match.NONE, {}
        found = super().matches(scope)
        if scope.get("method") == "HEAD" and found[0] is Match.PARTIAL:
            return max(found, super().matches({**scope, "method": "GET"}), key=lambda match: match[0].value)
        return found

    def handle(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer a request; HEAD is answered by the route for GET, whose guard and headers it has, without a body."""
        # No coroutine of its own, which each request would pay for.
        handle = super().handle
        is_as_get = scope.get("method") == "HEAD" and super().matches(scope)[0] is Match.PARTIAL
        return _handle_as_get(handle, scope, receive, send) if is_as_get else handle(scope, receive, send)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route, of the class that the endpoint asks for (see `parley_core.caching.routes.cached`)."""
        if options.get("status_code") == HTTPStatus.NO_CONTENT:
            # An answer without content names no media type.
            options["response_class"] = Response
        if (wanted := getattr(endpoint, "route_class", None)) is not None:
            options["route_class_override"] = wanted
        super().add_api_route(path, endpoint, **options)
        if isinstance(added := self.routes[-1], ParleyRoute):
            added.small_bodies, added.headings = self.small_bodies, self._headings


async def _handle_as_get(handle: Handle, scope: Scope, receive: Receive, send: Send) -> None:
    # A copy: the server reads the method of its own scope to know that no body follows.
    as_get: Scope = {**scope, "method": "GET", HEAD_ONLY: True}
    try:
        await handle(as_get, receive, send)
    finally:
        scope.update({**as_get, "method": "HEAD"})


def _shape_of(routes: Sequence[BaseRoute]) -> re.Pattern[str]:
    """Return what the paths of these routes end with, wherever they are included; a router among them may have any."""
    patterns = [getattr(route, "path_regex", re.compile("^")).pattern.removeprefix("^") for route in routes]
    return re.compile("|".join(_GROUP.sub("(?:", pattern) for pattern in patterns))
