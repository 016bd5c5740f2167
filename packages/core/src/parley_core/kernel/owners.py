"""Whose a route is, and what messages call it."""

from starlette.routing import WebSocketRoute

from parley_core.declarations import Declared
from parley_core.http.framework import RouteContext, original_of, routes_in
from parley_core.http.routing import Router

_OWNER = "parley_plugin"


def own_routes(declared: Declared[Router]) -> None:
    """Mark the routes of a router as a plugin's, so that checks can name the culprit."""
    for route in routes_in(declared.value):
        setattr(original_of(route), _OWNER, declared.plugin)


def owner_of(route: object) -> str | None:
    """Return the plugin that a route, as its router made it, belongs to; None for a host application's own."""
    return getattr(route, _OWNER, None)


def name_of(route: RouteContext) -> str:
    """Return the route as messages name it: `GET /v1/interviews/{interview_id}`."""
    kind = "WEBSOCKET" if isinstance(original_of(route), WebSocketRoute) else "ANY"
    return f"{'/'.join(sorted(route.methods or {kind}))} {route.path}"


def described(route: RouteContext) -> str:
    """Return the route with its function and its owner, for messages about two routes or about a hidden one."""
    plugin = owner_of(original_of(route))
    function = f"{function_of(route.endpoint)} of " if route.endpoint else ""
    return f"{name_of(route)} ({function}{Declared(plugin or '', route).owner})"


def function_of(endpoint: object) -> str:
    """Return the full name of an endpoint or dependency."""
    named = endpoint if hasattr(endpoint, "__name__") else type(endpoint)
    return f"{named.__module__}.{getattr(named, '__name__', '')}"
