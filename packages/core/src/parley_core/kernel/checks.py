"""What can be proved of the routes before the first request, whoever brought them.

What needs knowledge of guards and scopes is proved by the package that owns these (`parley_verify`).
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute, RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Route, WebSocketRoute

from parley_core.errors import StartupError
from parley_core.http.routing import ParleyRoute, Router
from parley_core.kernel.plugins import Declared

_PARAMETER_NAME = re.compile(r"\{\w+")
K = TypeVar("K", bound=Hashable)


def routes_of(app: FastAPI) -> Sequence[RouteContext]:
    """Every HTTP and WebSocket route with its full path."""
    return list(iter_route_contexts(app.routes))


def name_of(route: RouteContext) -> str:
    """The route as messages name it: `GET /v1/interviews/{interview_id}`."""
    return f"{'/'.join(sorted(route.methods or {'WEBSOCKET'}))} {route.path}"


def check_router(declared: Declared) -> None:
    """Refuses a plugin's router that can't be proved or that would answer before its guards.

    Raises:
        StartupError: it isn't a `Router`, or holds a mount, a served folder or a route of another class.
    """
    router = declared.value
    if not isinstance(router, Router):
        raise StartupError(f"plugin '{declared.plugin}': its router must be a parley_core.Router")
    if served := folders_of(router):
        raise StartupError(f"plugin '{declared.plugin}': {served} serves files without a guard; mount it outside")
    for route in iter_route_contexts(router.routes):
        _check_provable(route, f"plugin '{declared.plugin}': ")
        if not isinstance(route.original_route, ParleyRoute | APIWebSocketRoute):
            raise StartupError(
                f"plugin '{declared.plugin}': route {name_of(route)} must come from a parley_core.Router"
            )


def check_application(app: FastAPI) -> None:
    """Refuses what an application that Parley owns may not hold, because nothing can be proved of it.

    Raises:
        StartupError: the application has a mounted sub-application or serves a folder.
    """
    for route in routes_of(app):
        _check_provable(route, "")
    if served := folders_of(app.router):
        raise StartupError(f"{served} serves files without a guard; serve them elsewhere")


def _check_provable(route: RouteContext, whose: str) -> None:
    if not isinstance(route.original_route, Route | WebSocketRoute):
        named = route.path if route.path is not None else type(route.original_route).__name__
        raise StartupError(f"{whose}mount '{named}' is refused: what lies in it can't be proved")


def folders_of(router: APIRouter) -> str | None:
    """The name of a folder that `router`, or a router included in it, serves with `frontend(...)`; else None."""
    if getattr(router, "_frontend_routes", None) or getattr(router, "_low_priority_routes", None):
        return f"the frontend of router '{router.prefix or '/'}'"
    included = (getattr(route, "original_router", None) for route in router.routes)
    return next((served for child in included if child is not None and (served := folders_of(child))), None)


def check_routes(routes: Sequence[RouteContext], owners: dict[int, str]) -> None:
    """Refuses two routes with one address or one operation id, and a proof that would prove nothing.

    Args:
        routes: all routes of the application.
        owners: id() of an original route -> the plugin that brought it.

    Raises:
        StartupError: two routes clash, no plugin brought one, or one that was brought isn't among `routes`.
    """
    if not owners:
        raise StartupError("no plugin brings a route: there is nothing to serve, and nothing that could be proved")
    if lost := owners.keys() - {id(route.original_route) for route in routes}:
        raise StartupError(f"a route of plugin '{owners[min(lost)]}' isn't found in the application, nor can be proved")
    addresses: dict[tuple[str, str], RouteContext] = {}
    operations: dict[str, RouteContext] = {}
    for route in routes:
        for address in _addresses(route):
            _claim(addresses, address, route, owners, f"route {' '.join(address)}")
        if isinstance(route.original_route, APIRoute):
            _claim(operations, route.unique_id, route, owners, f"operation id '{route.unique_id}'")


def _addresses(route: RouteContext) -> Iterable[tuple[str, str]]:
    path = _without_names(route.path or "")
    return [(method, path) for method in sorted(route.methods or {"WEBSOCKET"})]


def _without_names(path: str) -> str:
    """`/users/{id}` and `/users/{user_id}` are one address."""
    return _PARAMETER_NAME.sub("{", path)


def _claim(taken: dict[K, RouteContext], key: K, route: RouteContext, owners: dict[int, str], what: str) -> None:
    if (other := taken.setdefault(key, route)) is not route:
        raise StartupError(f"{what} is given by {_owner(other, owners)} and by {_owner(route, owners)}")


def _owner(route: RouteContext, owners: dict[int, str]) -> str:
    original: BaseRoute = route.original_route
    return f"plugin '{owners[id(original)]}'" if id(original) in owners else "the application itself"
