"""The short way to the routes of an application.

FastAPI asks each included router for a route, and the right one twice, which is a fifth of what a short request costs.
The addresses of an application that was proved and sealed don't change, so they are looked up in one table.
"""

import re
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, StringConvertor
from starlette.types import Receive, Scope, Send

from parley_core.http.framework import RouteContext, effective_of, has_form_limits, original_of
from parley_core.http.requests import found_by, path_of
from parley_core.http.routing import Handle

_GROUP = re.compile(r"\(\?P<\w+>")


@contextmanager
def short_ways(router: APIRouter, routes: Sequence[RouteContext]) -> Iterator[None]:
    """Let requests take the short way inside the block, during which the routes must not change.

    Args:
        router: the router of the application.
        routes: all routes of the application in the order in which they are tried.
    """
    before = router.middleware_stack
    if not has_form_limits(router):
        router.middleware_stack = Shortcut(before, router, routes)
    try:
        yield
    finally:
        router.middleware_stack = before


class Shortcut:
    """Middleware of a router: a request goes straight to the route that the router would find.

    It goes the router's own way where no route has its address and its very method, as with HEAD, and where FastAPI's
    telemetry observes it.

    Args:
        app: the router's own way.
        router: the router.
        routes: what it finds, in the order in which it tries them.
    """

    def __init__(self, app: Handle, router: APIRouter, routes: Sequence[RouteContext]) -> None:
        self._app, self._router = app, router
        methods = {method for route in routes for method in route.methods or ()}
        self._tables = {method: _Table([r for r in routes if method in (r.methods or {method})]) for method in methods}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        # No coroutine of its own, which each request would pay for.
        table = self._tables.get(scope.get("method", ""))
        if table and "fastapi.telemetry" not in scope:
            found = table.pattern.match(path_of(scope))
            if found and (way := table.ways[found.lastindex or 0]):
                scope["router"] = self._router
                found_by(scope, way.route, way.effective, way.values(found))
                return way.route.handle(scope, receive, send)
        return self._app(scope, receive, send)


class _Table:
    """The routes for one method.

    Args:
        routes: in the order in which they are tried.
    """

    def __init__(self, routes: Sequence[RouteContext]) -> None:
        # A group for each route, which is the last to end, around those of its parameters, whose names may repeat.
        patterns = [_GROUP.sub("(", route.path_regex.pattern) for route in routes]
        self.pattern = re.compile("|".join(f"({pattern})" for pattern in patterns))
        self.ways: dict[int, _Way | None] = {0: None}
        place = 1
        for route in routes:
            self.ways[place] = _way_to(route, place)
            place += 1 + route.path_regex.groups


@dataclass(frozen=True, slots=True)
class _Way:
    route: APIRoute
    effective: Any
    places: Mapping[str, int]
    convertors: Mapping[str, Convertor[object]]

    def values(self, found: re.Match[str]) -> dict[str, object]:
        """Return the values of the parameters in a path, which the table's pattern has found."""
        values: dict[str, object] = {}
        for name, place in self.places.items():
            values[name] = found[place]
        for name, convertor in self.convertors.items():
            values[name] = convertor.convert(str(values[name]))
        return values


def _way_to(route: RouteContext, place: int) -> _Way | None:
    """Return the way to a route, whose group has this place; None where FastAPI has to go it."""
    original, effective = original_of(route), effective_of(route)
    if not isinstance(original, APIRoute) or effective is None:
        return None
    others = {name: each for name, each in route.param_convertors.items() if not isinstance(each, StringConvertor)}
    places = {name: place + own for name, own in route.path_regex.groupindex.items()}
    return _Way(original, effective, places, others)
