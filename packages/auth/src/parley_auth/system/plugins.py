"""The plugins of a running application, each with its packages and routes."""

import platform
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from parley_auth.authorization.registry import PublicRoutes, methods_declared
from parley_auth.authorization.route_checks import guards_of
from parley_auth.system.schemas import Package, Plugin, SystemRoute
from parley_core.http.framework import RouteContext, original_of, routes_of
from parley_core.kernel.owners import owner_of
from parley_core.kernel.plugins import PluginInfo

PYTHON = platform.python_version()
_LIBRARIES = ("fastapi", "pydantic", "pymongo", "starlette", "uvicorn")


def packages_of(plugins: Iterable[PluginInfo]) -> list[Package]:
    """Return the distributions of the plugins, and the libraries that a report of a fault should name."""
    found = {_package_of(plugin): plugin.version for plugin in plugins}
    libraries = {name: found_version for name in _LIBRARIES if (found_version := _installed(name))}
    return [Package(name=name, version=number) for name, number in sorted(found.items()) + sorted(libraries.items())]


def plugins_of(app: FastAPI, plugins: Iterable[PluginInfo], public: PublicRoutes) -> list[Plugin]:
    """Return the plugins, each with the routes that it brings to the application."""
    routes: dict[str, list[SystemRoute]] = defaultdict(list)
    for route in routes_of(app):
        routes[owner_of(original_of(route)) or ""].extend(_rows(route, public))
    return [
        Plugin(
            name=plugin.name,
            package=_package_of(plugin),
            version=plugin.version,
            hooks=list(plugin.hooks),
            routes=sorted(routes[plugin.name], key=lambda row: (row.path, row.method)),
        )
        for plugin in plugins
    ]


def _rows(route: RouteContext, public: PublicRoutes) -> Iterator[SystemRoute]:
    actions = [action for guard in guards_of(route) for action in guard.actions]
    for method in sorted(methods_declared(route.methods or {"WEBSOCKET"})):
        path = route.path or ""
        is_public = (method, path) in public.reasons
        yield SystemRoute(method=method, path=path, action=", ".join(actions) or None, public=is_public)


def _package_of(plugin: PluginInfo) -> str:
    return plugin.module.partition(".")[0].replace("_", "-")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
