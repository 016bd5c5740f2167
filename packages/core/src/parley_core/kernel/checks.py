"""What is checked of the routes before the first request, whoever brought them.

What needs knowledge of guards and scopes is checked by the package that owns these (`parley_verify`).
"""

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Route, WebSocketRoute

from parley_core.caching.routes import CachedRoute
from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.http.extended_problems import ExtendedRoute
from parley_core.http.framework import (
    RouteContext,
    contexts_of,
    folder_served_by,
    listed_in,
    original_of,
    routers_in,
    routes_in,
    routes_of,
)
from parley_core.http.gates import Gate
from parley_core.http.requests import Composition, Provided
from parley_core.http.routing import ParleyRoute, Router
from parley_core.kernel.addresses import check_reached
from parley_core.kernel.cached_routes import beyond_key
from parley_core.kernel.owners import described, function_of, name_of
from parley_core.kernel.sealing import class_of


def check_router(declared: Declared[Router]) -> None:
    """Refuse a plugin's router that can't be checked, or that would answer before its guards or without them.

    Raises:
        StartupError: it contains a mount, a served folder, a router or route of another class, or a cached route whose
            answer depends on more than its gate and its key.
    """
    if served := folder_served_by(declared.value):
        raise StartupError(f"{declared.owner}: {served} serves files without a guard; mount it outside")
    for router in routers_in(declared.value):
        if not is_exactly(router, Router, APIRouter):
            raise StartupError(f"{declared.owner}: router '{router.prefix}' must be a plain parley_core.Router")
    for route in routes_in(declared.value):
        _check_route(route, declared.owner)


def _check_route(route: RouteContext, owner: str) -> None:
    _check_checkable(route, f"{owner}: ")
    original, named = original_of(route), f"{owner}: route {name_of(route)} ({function_of(route.endpoint)})"
    if not is_exactly(original, ParleyRoute, CachedRoute, ExtendedRoute, APIWebSocketRoute):
        raise StartupError(f"{named} must come from a parley_core.Router and have the class that it gives")
    if isinstance(original, CachedRoute) and (found := next(beyond_key(original.dependant), None)):
        raise StartupError(
            f"{named} is cached, but depends on {found}, which isn't in the key of its answers and isn't asked on a hit"
        )


def is_exactly(value: object, *classes: type) -> bool:
    """Return whether an object is of one of these very classes, with none of its methods replaced."""
    methods = vars(value).keys() & {name for cls in type(value).__mro__ for name in vars(cls)}
    return class_of(value) in classes and not any(inspect.isfunction(getattr(type(value), name)) for name in methods)


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


def check_routes(
    routes: Sequence[RouteContext], mounted: Sequence[Declared[Router]], is_checked: Callable[[RouteContext], bool]
) -> None:
    """Refuse two routes with one address or one operation id, and a check that would check nothing.

    Args:
        routes: all routes of the application.
        mounted: the routers that plugins brought.
        is_checked: whether Parley answers for a route.

    Raises:
        StartupError: two routes clash, no plugin brought one, or one that was brought isn't among `routes`.
    """
    expected = [(declared, route) for declared in mounted for route in listed_in(declared.value)]
    if not expected:
        raise StartupError("no plugin brings a route: there is nothing to serve, and nothing that could be checked")
    found = [original_of(route) for route in routes]
    for declared, original in expected:
        if not any(original is other for other in found):
            [named] = map(name_of, contexts_of([original]))
            raise StartupError(f"{declared.owner}: route {named} isn't found in the application")
    check_reached(routes, is_checked)
    _check_operation_ids(routes)


def _check_operation_ids(routes: Sequence[RouteContext]) -> None:
    taken: dict[str, RouteContext] = {}
    for route in routes:
        if (
            isinstance(original_of(route), APIRoute)
            and (first := taken.setdefault(route.unique_id, route)) is not route
        ):
            both = f"{described(first)} and of {described(route)}"
            raise StartupError(f"operation id '{route.unique_id}' is that of {both}")


def check_overrides(routes: Sequence[RouteContext], overrides: Mapping[Any, object]) -> None:
    """Refuse an override of a gate, of what a gate depends on, and of a dependency that leads to a gate.

    Args:
        routes: all routes of the application.
        overrides: what replaces a dependency, by that dependency.

    Raises:
        StartupError: there is one; the message names the route and what would take the gate's place.
    """
    for route in routes if overrides else ():
        for call in _guarding(next(dependants_of(route))):
            if call in overrides:
                raise StartupError(
                    f"route {described(route)}: {function_of(overrides[call])} overrides {function_of(call)}, without "
                    "which the route isn't guarded"
                )


def _guarding(dependant: Dependant) -> set[Any]:
    found: set[Any] = set()
    for dependency in dependant.dependencies:
        call: object = dependency.call
        if isinstance(call, Gate):
            found |= {below.call for below in _all_in(dependency)}
        elif below := _guarding(dependency):
            found |= {call, *below}
    return found


def calls_of(route: RouteContext) -> Iterator[Any]:
    """Return every dependency of a route, at any depth."""
    return (dependant.call for dependant in itertools.islice(dependants_of(route), 1, None))


def dependants_of(route: RouteContext) -> Iterator[Dependant]:
    """Return what a route depends on, and what each of its dependencies does, at any depth."""
    return _all_in(getattr(route, "dependant", None) or Dependant())


def _all_in(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for dependency in dependant.dependencies:
        yield from _all_in(dependency)


def check_services(app: FastAPI, composition: Composition) -> None:
    """Refuse a route whose endpoint is given a service that nobody provides: each request would fail.

    A service that `app.dependency_overrides` replaces isn't needed.

    Raises:
        StartupError: there is such a route; the message names it, the class and who should bring it.
    """
    for route in routes_of(app):
        for service in calls_of(route):
            if not isinstance(service, Provided) or service in app.dependency_overrides:
                continue
            try:
                composition.require(service.cls)
            except StartupError as error:
                raise StartupError(f"route {name_of(route)}: {error}") from None
