"""The one place for what is used of FastAPI's and Starlette's names that their authors may change without notice.

docs/decisions/0018 lists each of them; the tested versions are capped in pyproject.toml.
"""

from collections.abc import Iterable, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

__all__ = ["RouteContext"]


def routes_of(app: FastAPI) -> Sequence[RouteContext]:
    """Return every HTTP and WebSocket route of an application, of included routers too, with its full path."""
    return list(iter_route_contexts(app.routes))


def routes_in(router: APIRouter) -> Iterable[RouteContext]:
    """Return the same of a router."""
    return iter_route_contexts(router.routes)


def original_of(route: RouteContext) -> BaseRoute:
    """Return the route as its router made it, which is the same object in every application."""
    return route.original_route


def folder_served_by(router: APIRouter) -> str | None:
    """Return the name of a folder that a router, or one included in it, serves with `frontend(...)`; else None."""
    if getattr(router, "_frontend_routes", None) or getattr(router, "_low_priority_routes", None):
        return f"the frontend of router '{router.prefix or '/'}'"
    included = (getattr(route, "original_router", None) for route in router.routes)
    return next((served for child in included if child is not None and (served := folder_served_by(child))), None)
