"""`Parley`: the object that composes plugins into one application and keeps what runs."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import TypeVar, cast

from fastapi import FastAPI, Request
from pydantic_settings import BaseSettings
from pymongo import AsyncMongoClient

from parley_core.caching.routes import has_cached_routes
from parley_core.caching.store import ReadCache
from parley_core.clock import Clock, utc_now
from parley_core.data.cursor_key import cursor_key
from parley_core.data.documents import Document
from parley_core.data.handle import Database
from parley_core.data.migrating import DataMigrations
from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.http.access import ProbeAnswers
from parley_core.http.framework import RouteContext
from parley_core.http.limits import RequestLimits
from parley_core.http.requests import path_of
from parley_core.http.routing import PublicRoute, Router
from parley_core.kernel.lifespans import attributed, frozen
from parley_core.kernel.measuring import measured
from parley_core.kernel.mounting import install
from parley_core.kernel.own_services import own_services
from parley_core.kernel.owners import own_routes, owner_of
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.proof import Proof
from parley_core.kernel.services import Finder, Services
from parley_core.kernel.settings import CoreSettings, allowed_plugins, load_settings
from parley_core.kernel.storage import Storage, log_of, running_log
from parley_core.kernel.unknown_settings import unknown_settings, warn_of
from parley_core.log_lines import announcer

T = TypeVar("T")
S = TypeVar("S", bound=BaseSettings)
PREFIX = "/v1"
_log = logging.getLogger("parley.start")


class Parley:
    """One composed application; two can live in one process, since nothing of it is global.

    Args:
        settings: instances that replace what the environment says, each for its own class.
        plugins: the plugin modules to compose; None discovers the entry points of the group `parley`.
        clock: returns the time.
        announce: called with a sentence that whoever starts the application should read, such as a password that is
            shown once; None writes it to the log `parley.start`.
        unguarded: no plugin proves that routes are guarded, as parley-auth does, and that is meant so.

    Raises:
        StartupError: the plugins or their declarations don't fit together, or a setting is wrong.
    """

    def __init__(
        self,
        settings: Sequence[BaseSettings] = (),
        *,
        plugins: Sequence[object] | None = None,
        clock: Clock = utc_now,
        announce: Callable[[str], None] | None = None,
        unguarded: bool = False,
    ) -> None:
        self.clock = clock
        self.announce = announce or announcer(_log, logging.WARNING, "announcement")
        self.plugins = Plugins(plugins, allowed=allowed_plugins(settings))
        self._settings = load_settings(self.plugins.settings_classes(), settings)
        self.unknown_settings = tuple(unknown_settings(self._settings))
        """Variables that look like settings and are none, each with what to do."""
        warn_of(self.unknown_settings)
        self._storage = Storage(self.plugins, self.settings(CoreSettings))
        self.events = self._storage.events
        self._services = Services()
        self.require: Finder = self._services.require
        """Return the service of a class; raise `StartupError` where there is none, see `Composition`."""
        self._proof = Proof(self.plugins, self._services, unguarded=unguarded)
        self.probe_answers = ProbeAnswers()
        """What the probes were answered, wherever in the process: only a change is logged."""
        self._is_manual = self.settings(CoreSettings).migrate == "manual"
        self.request_timeout_seconds = self.settings(CoreSettings).request_timeout_seconds
        self.request_limits: RequestLimits = self.settings(CoreSettings)
        self.public_url = self.settings(CoreSettings).public_url

    def settings(self, cls: type[S]) -> S:
        """Return the instance of a declared settings class."""
        return cast("S", self._settings[cls])

    @property
    def data_dir(self) -> Path | None:
        """The directory of the embedded MongoDB; None where PARLEY_MONGODB_URI names a server."""
        core = self.settings(CoreSettings)
        return None if core.mongodb_uri else core.data_dir.absolute()

    @property
    def database(self) -> Database:
        """The database; there is one only while the application runs."""
        return self._storage.database

    @property
    def client(self) -> AsyncMongoClient[Document]:
        """The client of the database, for transactions."""
        return self.database.client

    def provide(self, instance: object) -> None:
        """Make a service available under its class to everything that belongs to this application.

        Raises:
            StartupError: there is a service of that class.
        """
        self._services.provide(instance)

    def services(self, cls: type[T]) -> list[T]:
        """Return every service whose class derives from `cls`, or has the methods of a runtime-checkable protocol."""
        return self._services.of_kind(cls)

    @property
    def is_verified(self) -> bool:
        """Whether `verify` has found an application to be sound."""
        return self._proof.is_made

    @property
    def public_routes(self) -> Sequence[Declared[PublicRoute]]:
        """The routes that anyone may call because whoever mounted or included them says so."""
        return tuple(self._proof.public)

    def mount(self, app: FastAPI, *, owns_app: bool = False, public: Sequence[PublicRoute] = ()) -> None:
        """Mount every plugin's routers under `/v1` and make `app` answer errors as problems.

        Args:
            app: an application whose lifespan is, or enters, `self.lifespan`.
            owns_app: the application has no other routes, so that all its routes must be checked; otherwise those
                that the host brings are the host's concern, except those with a scope's parameter.
            public: which of the application's own routes anyone may call, where all must be checked.

        The host's own routes answer their own errors as before, except Parley's and MongoDB's.

        Raises:
            StartupError: a router can't be checked.
        """
        app.state.parley = self
        self._proof.owns_app = owns_app
        self._proof.public.extend(Declared("", route) for route in public)
        for router in sorted(self.plugins.routers(self), key=lambda declared: not has_cached_routes(declared.value)):
            self.include(app, router.value, plugin=router.plugin, prefix=PREFIX if router.value.versioned else "")
        install(
            app,
            answers_for=None if owns_app else self.answers_for,
            ensure_verified=lambda: self._ensure_verified(app),
            hsts_seconds=self.settings(CoreSettings).hsts_seconds,
            probes=self.probe_answers,
        )

    def include(
        self, app: FastAPI, router: Router, *, plugin: str, prefix: str = "", public: Sequence[PublicRoute] = ()
    ) -> None:
        """Include a router and remember whose it is, so that the checks of the routes can name the culprit.

        Args:
            app: the application.
            router: the router.
            plugin: the plugin that it belongs to.
            prefix: what its paths begin with.
            public: which of its routes anyone may call.
        """
        own_routes(declared := Declared(plugin, router))
        self._proof.mounted.append(declared)
        self._proof.public.extend(Declared(plugin, route) for route in public)
        app.include_router(router, prefix=prefix)

    def must_be_checked(self, route: RouteContext) -> bool:
        """Return whether Parley answers for the route: a plugin's, or any where the application is all Parley's."""
        return self._proof.must_be_checked(route)

    def answers_for(self, request: Request) -> bool:
        """Return whether an error is Parley's to answer: in a plugin's route, or where Parley's routes are."""
        if self._proof.owns_app or owner_of(request.scope.get("route")) is not None:
            return True
        return "endpoint" not in request.scope and path_of(request.scope).startswith(f"{PREFIX}/")

    def verify(self, app: FastAPI) -> None:
        """Check that the composed application is sound.

        Raises:
            StartupError: it isn't; the message names plugin, route or declaration.
        """
        if getattr(app.state, "parley", None) is not self:
            raise StartupError("the application has no Parley mounted: call parley.mount(app) before it starts")
        self._proof.make(app, self)

    def _ensure_verified(self, app: FastAPI) -> None:
        if not self.is_verified:
            self.verify(app)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Run an application on which this Parley is mounted: its lifespan."""
        self.verify(app)
        async with self.running():
            with self._proof.sealed(app, self), frozen() if self._proof.owns_app else nullcontext():
                yield

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Parley"]:
        """Open the database, migrate its data, build the indexes, make the services and enter the plugins' lifespans.

        Raises:
            StartupError: one of these failed; what was entered is left again.
        """
        async with AsyncExitStack() as stack:
            migrations = await stack.enter_async_context(self.stored())
            await migrations.prepare(is_manual=self._is_manual)
            log = log_of(self.database, self.clock)
            await stack.enter_async_context(running_log(*log))
            await self._make_services(migrations, *log, key=await cursor_key(self.database))
            await stack.enter_async_context(measured(self.require(ReadCache)))
            await stack.enter_async_context(nullcontext() if self._is_manual else migrations.finishing())
            for declared in self.plugins.lifespans(self):
                with self._services.provided_by(declared.plugin):
                    await stack.enter_async_context(attributed(declared))
            yield self

    async def rehearse(self) -> None:
        """Do what a start does as far as it changes nothing that is stored: open the database and make the services.

        Raises:
            StartupError: one of these failed.
            DatabaseError: MongoDB refused something else.
        """
        async with self.stored() as migrations:
            await migrations.check(is_manual=self._is_manual)
            await self._make_services(migrations, *log_of(self.database, self.clock), key=bytes(64))

    @asynccontextmanager
    async def stored(self) -> AsyncIterator[DataMigrations]:
        """Open the database and change nothing; yield what migrates its data.

        Raises:
            StartupError: it can't be opened.
        """
        with self._services.temporary():
            async with self._storage.opened(self.announce) as migrations:
                yield migrations

    async def _make_services(self, *services: object, key: bytes) -> None:
        own = await own_services(self.database, self.settings(CoreSettings), self.clock, cursor_key=key)
        for service in (self.database, self.database.generations, *services, *own):
            self.provide(service)
        self._services.collect(self.plugins.calls("parley_services"), self)
