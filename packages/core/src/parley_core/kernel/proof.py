"""The proof of an application: it is made before the database is opened, repeated when everything runs, and sealed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.http.framework import ROUTE_LISTS, RouteContext, contexts_of, original_of, routers_in, routes_of
from parley_core.http.requests import Composition
from parley_core.http.routing import PublicRoute, Router
from parley_core.kernel.checks import (
    calls_of,
    check_application,
    check_overrides,
    check_router,
    check_routes,
    check_services,
)
from parley_core.kernel.owners import described, function_of, own_routes, owner_of
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.sealing import seal, unseal
from parley_core.kernel.services import Services
from parley_core.kernel.shortcut import short_ways

_NOBODY_PROVES = (
    "no plugin proves that every route is guarded: add parley_auth.plugin to the plugins, or auth to PARLEY_PLUGINS; "
    "an application that does without says Parley(..., unguarded=True)"
)


class Proof:
    """What is checked of one application, and what is kept as it was when it was checked.

    Args:
        plugins: the plugins of the application.
        services: its services.
        unguarded: the application says that nobody needs to prove that its routes are guarded.
    """

    def __init__(self, plugins: Plugins, services: Services, *, unguarded: bool) -> None:
        self._plugins, self._services, self._unguarded = plugins, services, unguarded
        self._from_verify: set[type] = set()
        self.mounted: list[Declared[Router]] = []
        self.public: list[Declared[PublicRoute]] = []
        self.owns_app = False
        self.is_made = False

    def must_be_checked(self, route: RouteContext) -> bool:
        """Return whether Parley answers for the route: a plugin's, or any where the application is all Parley's."""
        return self.owns_app or owner_of(original_of(route)) is not None

    def make(self, app: FastAPI, composition: Composition) -> None:
        """Check the application; what the plugins provide meanwhile stays.

        Raises:
            StartupError: the application isn't sound.
        """
        self._services.forget(self._from_verify)
        before = self._services.classes()
        try:
            self._check(app, composition)
        finally:
            self._from_verify = self._services.classes() - before
        self.is_made = True

    def repeat(self, app: FastAPI, composition: Composition) -> None:
        """Check the application as it is now; what the plugins provide meanwhile is forgotten.

        Raises:
            StartupError: the application isn't sound any more.
        """
        with self._services.rehearsal(self._from_verify):
            self._check(app, composition)
        check_services(app, composition)

    @contextmanager
    def sealed(self, app: FastAPI, composition: Composition) -> Iterator[None]:
        """Check the application again and keep routes, overrides and services as they are inside the block.

        A host may go on adding routes of its own. Each is checked with all others.

        Raises:
            StartupError: the application isn't sound any more.
        """
        try:
            with self._services.sealed():
                self._seal(app, composition)
                self.repeat(app, composition)
                with short_ways(app.router, routes_of(app)) if self.owns_app else nullcontext():
                    yield
        finally:
            unseal(app.router, ROUTE_LISTS[0])
            unseal(app.router, ROUTE_LISTS[1])
            unseal(app, "dependency_overrides")

    def _check(self, app: FastAPI, composition: Composition) -> None:
        for declared in self.mounted:
            # Routers that are included in it may have grown since.
            own_routes(declared)
            check_router(declared)
        if self.owns_app:
            check_application(app)
        routes = routes_of(app)
        check_routes(routes, self.mounted, self.must_be_checked)
        check_overrides(routes, app.dependency_overrides)
        if not self._unguarded and not self._plugins.prove_guards:
            raise StartupError(_NOBODY_PROVES)
        for call in self._plugins.calls("parley_verify"):
            with self._services.provided_by(call.plugin):
                call.run(parley=composition, routes=routes)

    def _seal(self, app: FastAPI, composition: Composition) -> None:
        routers: list[APIRouter] = [declared.value for declared in self.mounted]
        if self.owns_app:
            routers.append(app.router)
        else:
            seal(app.router, ROUTE_LISTS[0], lambda _: self.repeat(app, composition))
        for router in (inner for outer in routers for inner in routers_in(outer)):
            for attribute in ROUTE_LISTS:
                seal(router, attribute, _refuse_routes)
        ours = {call for route in routes_of(app) if self.must_be_checked(route) for call in calls_of(route)}
        seal(app, "dependency_overrides", lambda keys: self._refuse_overrides(keys, ours))

    def _refuse_overrides(self, keys: Iterable[object], ours: set[object]) -> None:
        for key in keys:
            if self.owns_app or key in ours:
                raise StartupError(f"the override of {function_of(key)} comes too late: overrides were sealed at start")


def _refuse_routes(added: Iterable[BaseRoute]) -> None:
    names = ", ".join(described(route) for route in contexts_of(added)) or "a change of their order or number"
    raise StartupError(f"{names} comes too late: the routes were proved and sealed when the application started")
