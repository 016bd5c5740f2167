"""What is checked of the routes before the first request, whoever brought them.

What needs knowledge of guards and scopes is checked by the package that owns these (`parley_verify`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Route, WebSocketRoute

from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.http.framework import RouteContext, folder_served_by, original_of, routes_in, routes_of
from parley_core.http.requests import Composition, Provided
from parley_core.http.routing import ParleyRoute, Router
from parley_core.ownership import single_owner

_PARAMETER_NAME = re.compile(r"\{\w+")
_OWNER = "parley_plugin"


def name_of(route: RouteContext) -> str:
    """Return the route as messages name it: `GET /v1/interviews/{interview_id}`."""
    return f"{'/'.join(sorted(route.methods or {'WEBSOCKET'}))} {route.path}"


def own_routes(router: Router, plugin: str) -> None:
    """Mark the routes of a router as a plugin's, so that checks can name the culprit."""
    for route in routes_in(router):
        setattr(original_of(route), _OWNER, plugin)


def owner_of(route: object) -> str | None:
    """Return the plugin that a route, as its router made it, belongs to; None for a host application's own."""
    return getattr(route, _OWNER, None)


def check_router(declared: Declared[Router]) -> None:
    """Refuse a plugin's router that can't be checked or that would answer before its guards.

    Raises:
        StartupError: it contains a mount, a served folder or a route of another class.
    """
    if served := folder_served_by(declared.value):
        raise StartupError(f"{declared.owner}: {served} serves files without a guard; mount it outside")
    for route in routes_in(declared.value):
        _check_checkable(route, f"{declared.owner}: ")
        if not isinstance(original_of(route), ParleyRoute | APIWebSocketRoute):
            raise StartupError(f"{declared.owner}: route {name_of(route)} must come from a parley_core.Router")


def check_application(app: FastAPI) -> None:
    """Refuse what can't be checked in an application that Parley owns.

    Raises:
        StartupError: the application has a mounted sub-application or serves a folder.
    """
    for route in routes_of(app):
        _check_checkable(route, "")
    if served := folder_served_by(app.router):
        raise StartupError(f"{served} serves files without a guard; serve them elsewhere")


def _check_checkable(route: RouteContext, whose: str) -> None:
    original = original_of(route)
    if not isinstance(original, Route | WebSocketRoute):
        named = route.path if route.path is not None else type(original).__name__
        raise StartupError(f"{whose}mount '{named}' is refused: the routes inside it can't be checked")


def check_routes(routes: Sequence[RouteContext], mounted: Sequence[Router]) -> None:
    """Refuse two routes with one address or one operation id, and a check that would check nothing.

    Args:
        routes: all routes of the application.
        mounted: the routers that plugins brought.

    Raises:
        StartupError: two routes clash, no plugin brought one, or one that was brought isn't among `routes`.
    """
    expected = [original_of(route) for router in mounted for route in routes_in(router)]
    if not expected:
        raise StartupError("no plugin brings a route: there is nothing to serve, and nothing that could be checked")
    found = [original_of(route) for route in routes]
    for original in expected:
        if not any(original is other for other in found):
            raise StartupError(f"a route of plugin '{owner_of(original)}' isn't found in the application")
    declared = [Declared(owner_of(original_of(route)) or "", route) for route in routes]
    single_owner(declared, _addresses, what="route")
    single_owner(declared, _operation_ids, what="operation id")


def check_services(app: FastAPI, composition: Composition) -> None:
    """Refuse a route whose endpoint is given a service that nobody provides: each request would fail.

    A service that `app.dependency_overrides` replaces isn't needed.

    Raises:
        StartupError: there is such a route; the message names it, the class and who should bring it.
    """
    for route in routes_of(app):
        for service in _services_in(getattr(original_of(route), "dependant", None)):
            if service in app.dependency_overrides:
                continue
            try:
                composition.require(service.cls)
            except StartupError as error:
                raise StartupError(f"route {name_of(route)}: {error}") from None


def _services_in(dependant: Dependant | None) -> Iterator[Provided[Any]]:
    if dependant is None:
        return
    if isinstance(dependant.call, Provided):
        yield dependant.call
    for dependency in dependant.dependencies:
        yield from _services_in(dependency)


def _addresses(route: RouteContext) -> Iterable[str]:
    # `/users/{id}` and `/users/{user_id}` are one address.
    path = _PARAMETER_NAME.sub("{", route.path or "")
    return [f"{method} {path}" for method in sorted(route.methods or {"WEBSOCKET"})]


def _operation_ids(route: RouteContext) -> Iterator[str]:
    if isinstance(original_of(route), APIRoute):
        yield route.unique_id
