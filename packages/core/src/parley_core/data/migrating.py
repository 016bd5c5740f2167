"""The migrations of one application: what a start does of them, what goes on beside the requests, and what is left."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from parley_core.background import kept_running
from parley_core.data.failures import DatabaseAway, DatabaseError, stems_from_outage
from parley_core.data.handle import Database
from parley_core.data.index_rehearsal import rehearse_indexes
from parley_core.data.indexes import CollectionIndexes, ensure_indexes
from parley_core.data.migration_runner import MigrationRunner
from parley_core.data.migrations import Migration, Migrations, needed_number
from parley_core.data.schema_numbers import SCHEMA, SchemaState, schema_states, workable_states
from parley_core.data.stored_format import check_format, store_format
from parley_core.declarations import Declared
from parley_core.errors import StartupError, Unavailable
from parley_core.log_lines import LogLine
from parley_core.waiting import end

# How often a process looks whether another one, which runs migrations, is done or dead.
_POLL_SECONDS = 0.2
_POLL_BESIDE_REQUESTS_SECONDS = 5.0
_FAILURE_SECONDS = 60.0
_log = logging.getLogger("parley.migrations")


class MigrationsMissing(DatabaseAway):
    """Migrations that this release needs haven't been run: once they have, the same start succeeds."""


@dataclass(frozen=True)
class MigrationStatus:
    """How far one migration is.

    Args:
        plugin: whose it is.
        migration: the migration.
        state: `done`, `begun` or `missing`.
    """

    plugin: str
    migration: Migration
    state: Literal["done", "begun", "missing"]


def migrations_of(plugins: Iterable[str], declared: Iterable[Declared[Migration]]) -> Migrations:
    """Return the migrations of each plugin in their order.

    Raises:
        StartupError: their numbers aren't 1, 2, 3 and so on.
    """
    found: dict[str, list[Migration]] = {plugin: [] for plugin in plugins}
    for declaration in declared:
        found[declaration.plugin].append(declaration.value)
    for plugin, migrations in found.items():
        migrations.sort(key=lambda migration: migration.number)
        if (numbers := [m.number for m in migrations]) != list(range(1, len(numbers) + 1)):
            raise StartupError(f"plugin '{plugin}': its migrations must have the numbers 1, 2, 3 and so on: {numbers}")
    return found


def final_state(migrations: Sequence[Migration]) -> SchemaState:
    """Return the state in which all migrations are done."""
    return SchemaState(len(migrations), max((migration.floor for migration in migrations), default=0))


def known_numbers(migrations: Migrations) -> dict[str, int]:
    """Return the highest number that is known of each plugin, 0 for one without migrations."""
    return {plugin: len(known) for plugin, known in migrations.items()}


class DataMigrations:
    """The migrations of one application on its database.

    Args:
        database: the data.
        migrations: those of each plugin.
        indexes: the indexes of every collection; its owner has never stored anything where there is none of its.
    """

    def __init__(
        self, database: Database, migrations: Migrations, indexes: Sequence[Declared[CollectionIndexes]]
    ) -> None:
        self._database = database
        self._migrations = {plugin: known for plugin, known in migrations.items() if known}
        self._known = known_numbers(migrations)
        self._indexes = indexes
        self._needed = {plugin: needed_number(known) for plugin, known in self._migrations.items()}
        self._collections = {
            plugin: {d.value.collection for d in indexes if d.plugin == plugin} for plugin in self._migrations
        }
        self._runners = {plugin: MigrationRunner(database, plugin, known) for plugin, known in self._migrations.items()}

    async def check(self, *, is_manual: bool = False) -> None:
        """Check that this process may work on the data; store nothing.

        Args:
            is_manual: whether migrations that are needed before the first request must be done already.

        Raises:
            MigrationsMissing: they aren't.
            StartupError: the data is newer than what this process knows.
        """
        await check_format(self._database)
        stored = await workable_states(self._database, self._known)
        if is_manual and (missing := await self._missing(stored)):
            raise MigrationsMissing(
                f"plugin '{missing[0]}': the stored data needs a migration, and PARLEY_MIGRATE is manual: run `parley "
                "migrate up`"
            )

    async def prepare(self, *, is_manual: bool = False) -> None:
        """Do what must be done before the first request, or wait until another process has done it; build the indexes.

        Raises as `check` does, before anything is stored, and:
            StartupError: a migration or an index failed.
        """
        await self.check(is_manual=is_manual)
        await self._register()
        await store_format(self._database)
        await self._advance_to(self._needed)
        await ensure_indexes(self._database, self._indexes)

    async def rehearse_indexes(self) -> int:
        """Return how many indexes a start would build, and store nothing; raise `StartupError` where one can't be."""
        return await rehearse_indexes(self._database, self._indexes)

    async def finish(self) -> None:
        """Do all migrations, or wait until another process has done them.

        Raises:
            StartupError: a migration failed.
        """
        await self._advance_to(self._known)

    async def check_readiness(self) -> None:
        """Check that this process may go on serving: a restored backup or a newer release may have changed the data.

        Raises:
            Unavailable: a needed migration is missing, or the data is newer than this process knows.
        """
        try:
            stored = await workable_states(self._database, self._known)
        except StartupError:
            raise Unavailable("the stored data is newer than this process") from None
        if await self._missing(stored):
            raise Unavailable("the stored data needs a migration")

    async def status(self) -> Sequence[MigrationStatus]:
        """Return how far each migration is, in the order of plugins and numbers; raise as `check` does."""
        await self.check()
        states = await self._states(await schema_states(self._database))
        return [
            MigrationStatus(plugin, one, states[plugin].state_of(one.number))
            for plugin, known in sorted(self._migrations.items())
            for one in known
        ]

    @asynccontextmanager
    async def finishing(self) -> AsyncIterator[None]:
        """Surround a running application; meanwhile do what is left, unless another process does it."""
        task = asyncio.create_task(kept_running(self._finish_beside_requests, "the migration of stored data"))
        try:
            yield
        finally:
            await end(task)

    async def _finish_beside_requests(self) -> None:
        pause: float | None = 0.0
        while pause is not None:
            await asyncio.sleep(pause)
            pause = await self._try_to_finish()

    async def _register(self) -> None:
        """Store the state of each plugin that has none yet."""
        stored = await schema_states(self._database)
        for plugin, state in (await self._states(stored)).items():
            if plugin not in stored:
                first = {"at": state.at, "floor": state.floor, "done": True, "cursor": None}
                await self._database[SCHEMA].update_one({"_id": {"$eq": plugin}}, {"$setOnInsert": first}, upsert=True)

    async def _states(self, stored: dict[str, SchemaState]) -> Mapping[str, SchemaState]:
        """Return the state of each plugin that has migrations, by what is stored of them.

        One that has none yet begins with all of them done if it has stored nothing, otherwise with none, since release
        0.1.0 has no schema numbers.
        """
        if not (unknown := self._migrations.keys() - stored.keys()):
            return stored
        existing = set(await self._database.list_collection_names())
        new = {plugin for plugin in unknown if not existing & self._collections[plugin]}
        return stored | {p: final_state(self._migrations[p]) if p in new else SchemaState() for p in unknown}

    async def _missing(self, stored: dict[str, SchemaState]) -> list[str]:
        """Return the plugins of which needed migrations aren't done."""
        states = await self._states(stored)
        return [plugin for plugin, needed in sorted(self._needed.items()) if states[plugin].number < needed]

    async def _advance_to(self, numbers: Mapping[str, int]) -> None:
        while not await self._advance(numbers):  # noqa: ASYNC110 - another process is awaited
            await asyncio.sleep(_POLL_SECONDS)

    async def _advance(self, numbers: Mapping[str, int]) -> bool:
        """Do the migrations up to these numbers, as far as no other process is at it; return whether all are done."""
        return all([await runner.advance(numbers[plugin]) for plugin, runner in self._runners.items()])

    async def _try_to_finish(self) -> float | None:
        """Do what is left; return after what time to look again, None if nothing is left."""
        try:
            return None if await self._advance(self._known) else _POLL_BESIDE_REQUESTS_SECONDS
        except (StartupError, DatabaseError) as error:
            if stems_from_outage(error):
                text = "migrations wait: the database failed ({error})"
                _log.warning(LogLine("migrations_paused", text, error=type(error).__name__))
                return _POLL_BESIDE_REQUESTS_SECONDS
            text = "a migration failed, and is tried again in {seconds:g} s"
            _log.exception(LogLine("migration_failed", text, seconds=_FAILURE_SECONDS))
            return _FAILURE_SECONDS
