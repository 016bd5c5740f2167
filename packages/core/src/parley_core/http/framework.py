"""The one place for what is used of FastAPI's and Starlette's names that their authors may change without notice.

docs/decisions/0018 lists each of them; the tested versions are capped in pyproject.toml.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

__all__ = ["RouteContext"]

ROUTE_LISTS = ("routes", "_low_priority_routes")
"""The attributes of a router that have what it serves."""


def routes_of(app: FastAPI) -> Sequence[RouteContext]:
    """Return every HTTP and WebSocket route of an application, of included routers too, with its full path."""
    return list(iter_route_contexts(app.routes))


def contexts_of(routes: Iterable[BaseRoute]) -> Iterable[RouteContext]:
    """Return the same of routes that are in no application, or not yet."""
    return iter_route_contexts(list(routes))


def routes_in(router: APIRouter) -> Iterable[RouteContext]:
    """Return the same of a router."""
    return iter_route_contexts(router.routes)


def original_of(route: RouteContext) -> BaseRoute:
    """Return the route as its router made it, which is the same object in every application."""
    return route.original_route


def effective_of(route: RouteContext) -> Any:
    """Return what a matched request has of a route that was included; None of one that wasn't."""
    return getattr(route, "_route_context", None)


def has_form_limits(router: APIRouter) -> bool:
    """Return whether a router, or one included in it, limits forms: FastAPI looks for that on the way to a route."""
    included = (route for each in routers_in(router) for route in each.routes if hasattr(route, "original_router"))
    limits = [router.form_limits, *(route.include_context.form_limits for route in included)]  # type: ignore[attr-defined]
    return any(limits)


def routers_in(router: APIRouter) -> Iterator[APIRouter]:
    """Return a router and every one that is included in it, at any depth."""
    yield router
    for route in router.routes:
        if (child := getattr(route, "original_router", None)) is not None:
            yield from routers_in(child)


def listed_in(router: APIRouter) -> Iterator[BaseRoute]:
    """Return what the lists of a router and of those included in it have, also what FastAPI hasn't noticed yet."""
    for each in routers_in(router):
        yield from (route for route in each.routes if not hasattr(route, "original_router"))


def folder_served_by(router: APIRouter) -> str | None:
    """Return the name of a folder that a router, or one included in it, serves with `frontend(...)`; else None."""
    for each in routers_in(router):
        if getattr(each, "_frontend_routes", None) or getattr(each, "_low_priority_routes", None):
            return f"the frontend of router '{each.prefix or '/'}'"
    return None
