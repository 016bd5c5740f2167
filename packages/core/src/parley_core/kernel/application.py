"""`Parley`: the object that composes plugins into one application and holds what runs."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

from fastapi import Depends, FastAPI, Request
from fastapi.requests import HTTPConnection
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic_settings import BaseSettings
from pymongo import AsyncMongoClient

from parley_core.caching.routes import split
from parley_core.caching.store import ReadCache
from parley_core.clock import Clock, utc_now
from parley_core.data.database import Database, database_of, open_client
from parley_core.data.events import EventCatalogue, EventType, Invalidation
from parley_core.data.generations import Generations
from parley_core.data.indexes import CollectionIndexes, by_owner, ensure_indexes
from parley_core.data.recorded import Document
from parley_core.errors import StartupError
from parley_core.http.openapi import install_openapi
from parley_core.http.problems import install_handlers
from parley_core.http.requests import RequestLog, path_of
from parley_core.http.routing import Router
from parley_core.kernel.checks import check_application, check_router, check_routes, routes_of
from parley_core.kernel.plugins import Declared, Plugins
from parley_core.kernel.settings import CoreSettings, allowed_plugins, load_settings, warn_of_unknown

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")
S = TypeVar("S", bound=BaseSettings)
PREFIX = "/v1"


class Parley:
    """One composed application; two can live in one process, since nothing of it is global.

    Args:
        settings: instances that replace what the environment says, each for its own class.
        plugins: the plugin modules to compose; None discovers the entry points of the group `parley`.
        clock: what tells the time.
        announce: called with a sentence that whoever starts the application should read.

    Raises:
        StartupError: the plugins or their declarations don't fit together, or a setting is wrong.
    """

    def __init__(
        self,
        settings: Sequence[BaseSettings] = (),
        *,
        plugins: Sequence[object] | None = None,
        clock: Clock = utc_now,
        announce: Callable[[str], None] = print,
    ) -> None:
        self.clock = clock
        self.announce = announce
        self.plugins = Plugins(plugins, allowed=allowed_plugins(settings))
        self._settings = load_settings(self.plugins.declarations("parley_settings", type), settings)
        warn_of_unknown(self._settings)
        self._indexes = by_owner(self.plugins.declarations("parley_indexes", CollectionIndexes))
        self.events = EventCatalogue(
            self.plugins.declarations("parley_events", EventType),
            self.plugins.declarations("parley_cache_invalidations", Invalidation),
        )
        self._provided: dict[type, Any] = {}
        self._route_owners: dict[int, str] = {}
        self._owns_app = False
        self.is_verified = False
        self._client: AsyncMongoClient[Document] | None = None
        self._database: Database | None = None
        self.request_timeout_seconds = self.settings(CoreSettings).request_timeout_seconds

    def settings(self, cls: type[S]) -> S:
        """The instance of a declared settings class."""
        return cast("S", self._settings[cls])

    @property
    def data_dir(self) -> Path | None:
        """The directory of the embedded MongoDB; None where a server is named by PARLEY_MONGODB_URI."""
        core = self.settings(CoreSettings)
        return None if core.mongodb_uri else core.data_dir.absolute()

    @property
    def database(self) -> Database:
        """The database; there is one only while the application runs."""
        if self._database is None:
            raise RuntimeError("the database is open only inside `Parley.running()` or the application's lifespan")
        return self._database

    @property
    def client(self) -> AsyncMongoClient[Document]:
        """The client of the database, for transactions."""
        return self.database.client

    def provide(self, instance: object) -> None:
        """Makes `instance` available under its class to everything that belongs to this application."""
        self._provided[type(instance)] = instance

    def require(self, cls: type[T]) -> T:
        """What was provided under `cls`."""
        return cast("T", self._provided[cls])

    def mount(self, app: FastAPI, *, owns_app: bool = False) -> None:
        """Mounts every plugin's routers under `/v1` and makes `app` answer errors as problems.

        Args:
            app: an application whose lifespan is, or enters, `self.lifespan`.
            owns_app: the application holds nothing else, so that all its routes must be proved; otherwise those
                that the host brings are his own concern, save those with a scope's parameter.

        The host's own routes answer their own errors as before, save Parley's and MongoDB's.

        Raises:
            StartupError: a router can't be proved.
        """
        app.state.parley = self
        self._owns_app = owns_app
        declarations = list(self.plugins.declarations("parley_routers", object))
        for declared in declarations:
            check_router(declared)
        halves = [(declared.plugin, *split(declared.value)) for declared in declarations]
        for plugin, router in [(p, hot) for p, hot, _ in halves] + [(p, rest) for p, _, rest in halves]:
            self.include(app, router, plugin=plugin, prefix=PREFIX if router.versioned else "")
        install_handlers(app, self.answers_for)
        install_openapi(app)
        app.add_middleware(RequestLog)

    def include(self, app: FastAPI, router: Router, *, plugin: str, prefix: str = "") -> None:
        """Includes a router and remembers whose it is, so that the proof of the routes can name the culprit."""
        self._route_owners |= {id(r.original_route): plugin for r in iter_route_contexts(router.routes)}
        app.include_router(router, prefix=prefix)

    def must_be_proved(self, route: RouteContext) -> bool:
        """Whether Parley answers for the route: a plugin's, or any where the application is all Parley's."""
        return self._owns_app or id(route.original_route) in self._route_owners

    def answers_for(self, request: Request) -> bool:
        """Whether an error in the request is Parley's to answer: in a plugin's route, or where Parley's routes lie."""
        if self._owns_app or id(request.scope.get("route")) in self._route_owners:
            return True
        return "endpoint" not in request.scope and path_of(request.scope).startswith(f"{PREFIX}/")

    def verify(self, app: FastAPI) -> None:
        """Proves that the composed application is sound.

        Raises:
            StartupError: it isn't; the message names plugin, route or declaration.
        """
        if getattr(app.state, "parley", None) is not self:
            raise StartupError("the application has no Parley mounted: call parley.mount(app) before it starts")
        if self._owns_app:
            check_application(app)
        routes = routes_of(app)
        check_routes(routes, self._route_owners)
        for _ in self.plugins.call("parley_verify", parley=self, routes=routes):
            pass
        self.is_verified = True

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """The lifespan of an application on which this Parley is mounted."""
        self.verify(app)
        async with self.running():
            with _frozen() if self._owns_app else nullcontext():
                yield

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Parley"]:
        """Opens the database, builds the indexes and enters the plugins' lifespans.

        Raises:
            StartupError: one of these failed; what was entered is left again.
        """
        async with AsyncExitStack() as stack:
            core = self.settings(CoreSettings)
            uri = core.mongodb_uri.get_secret_value() if core.mongodb_uri else self._embedded(stack, core)
            client = await stack.enter_async_context(open_client(uri, core))
            self._database = database = database_of(client, core.mongodb_database)
            stack.callback(self._forget_database)
            database.generations = Generations(database, self.events)
            stack.push_async_callback(database.generations.close)
            self.provide(database.generations)
            self.provide(ReadCache(max_bytes=core.cache_max_bytes if core.cache_enabled else 0))
            await ensure_indexes(self._database, self._indexes)
            for declared in self.plugins.call("parley_lifespan", parley=self):
                await stack.enter_async_context(_attributed(declared))
            yield self

    def _embedded(self, stack: AsyncExitStack, core: CoreSettings) -> str:
        from parley_core.embedded import embedded_mongodb  # noqa: PLC0415 - who names a server never needs it

        return stack.enter_context(embedded_mongodb(core.data_dir, mongod=core.mongod, announce=self.announce))

    def _forget_database(self) -> None:
        self._database = None


@contextmanager
def _frozen() -> Iterator[None]:
    """Keeps the garbage collector from looking at what the start has built, again and again under load."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@asynccontextmanager
async def _attributed(declared: Declared) -> AsyncIterator[None]:
    """A plugin's lifespan whose failure to start names the plugin."""
    context: AbstractAsyncContextManager[None] = declared.value
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(context)
        except StartupError:
            raise
        except Exception as error:
            raise StartupError(
                f"plugin '{declared.plugin}': its lifespan raised {type(error).__name__}: {error}"
            ) from error
        yield


async def _parley(request: HTTPConnection) -> Parley:
    return cast("Parley", request.app.state.parley)


ParleyDep = Annotated[Parley, Depends(_parley)]
"""The application's `Parley`, as a FastAPI dependency."""
