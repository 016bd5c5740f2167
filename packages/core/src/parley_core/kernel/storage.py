"""What an application stores in: the database, an embedded one where no server is named, and the log in it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager

from parley_core.clock import Clock
from parley_core.data.database import database_of, open_client
from parley_core.data.handle import Database
from parley_core.data.indexes import CollectionIndexes
from parley_core.data.migrating import DataMigrations, migrations_of
from parley_core.kernel.catalogue import EventCatalogue, catalogue_of
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings
from parley_core.log.catching_up import CatchUp
from parley_core.log.reader import EventLog
from parley_core.log.relay import Relay
from parley_core.log.sources import sources_of
from parley_core.log.writer import LogWriter
from parley_core.ownership import single_owner


class Storage:
    """What the plugins of an application store, and the database while it is open.

    Args:
        plugins: they declare collections with their indexes, migrations, events and what those invalidate.
        core: which database.

    Raises:
        StartupError: two plugins declare one collection or event, or a declaration doesn't fit the others.
    """

    def __init__(self, plugins: Plugins, core: CoreSettings) -> None:
        self._core = core
        collections = single_owner(plugins.indexes(), lambda owned: [owned.collection], what="collection")
        self._indexes = list(collections.values())
        self._migrations = migrations_of(plugins.names, plugins.migrations())
        self.events = catalogue_of(plugins.event_types(), plugins.invalidations())
        """What can be recorded, and what that invalidates."""
        self._database: Database | None = None

    @property
    def database(self) -> Database:
        """The database; there is one only while it is open."""
        if self._database is None:
            raise RuntimeError("the database is open only inside `Parley.running()` or the application's lifespan")
        return self._database

    @asynccontextmanager
    async def opened(self, announce: Callable[[str], None]) -> AsyncIterator[DataMigrations]:
        """Open the database and change nothing; yield what migrates its data.

        Raises:
            StartupError: it can't be opened.
        """
        collections = [declared.value for declared in self._indexes]
        opening = open_database(self._core, catalogue=self.events, collections=collections, announce=announce)
        async with opening as database:
            self._database = database
            try:
                yield DataMigrations(database, self._migrations, self._indexes)
            finally:
                self._database = None


@asynccontextmanager
async def open_database(
    core: CoreSettings,
    *,
    catalogue: EventCatalogue,
    collections: Sequence[CollectionIndexes],
    announce: Callable[[str], None],
) -> AsyncIterator[Database]:
    """Connect to the database that the settings name, or start the embedded one.

    Args:
        core: the settings.
        catalogue: what can be recorded, and what that invalidates.
        collections: every declared collection.
        announce: called with a sentence that whoever starts the application should read.

    Raises:
        StartupError: MongoDB can't be reached or can't be used.
    """
    with ExitStack() as stack:
        uri = core.mongodb_uri.get_secret_value() if core.mongodb_uri else _embedded(stack, core, announce)
        async with open_client(
            uri,
            database=core.mongodb_database,
            timeout_seconds=core.request_timeout_seconds,
            pool_size=core.mongodb_pool_size,
        ) as client:
            database = database_of(
                client,
                core.mongodb_database,
                event_types=catalogue.types,
                recorded=[owned.collection for owned in collections if owned.recorded],
                invalidations=catalogue.invalidations,
            )
            try:
                yield database
            finally:
                await database.grouped.close()
                await database.generations.close()


async def reach(core: CoreSettings) -> None:
    """Connect to the database that the settings name, or to the embedded one, and leave it again.

    Raises:
        StartupError: MongoDB can't be reached or can't be used.
    """
    nothing = EventCatalogue({}, {})
    async with open_database(core, catalogue=nothing, collections=(), announce=lambda _: None):
        pass


def _embedded(stack: ExitStack, core: CoreSettings, announce: Callable[[str], None]) -> str:
    from parley_core.embedded import embedded_mongodb  # noqa: PLC0415 - who names a server never needs it

    return stack.enter_context(embedded_mongodb(core.data_dir, mongod=core.mongod, announce=announce))


def log_of(database: Database, clock: Clock) -> tuple[EventLog, Relay, CatchUp]:
    """Return the log, what feeds it and what publishes without waiting for that; nothing runs yet."""
    log = EventLog(database)
    return log, Relay(database, LogWriter(database, log, clock), sources_of(database)), CatchUp(database)


@asynccontextmanager
async def running_log(log: EventLog, relay: Relay, catch_up: CatchUp) -> AsyncIterator[None]:
    """Run the relay during the block."""
    try:
        async with relay.running():
            yield
    finally:
        await catch_up.close()
        await log.close()
