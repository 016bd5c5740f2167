"""Runs one plugin's migrations, in one process at a time: a lease by the database's clock, renewed while they run."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from parley_core.background import kept_running
from parley_core.data.deadline import time_limit
from parley_core.data.documents import Document
from parley_core.data.failures import reason_of
from parley_core.data.handle import Database
from parley_core.data.ids import new_id
from parley_core.data.migrations import Migration
from parley_core.data.schema_numbers import SCHEMA, SchemaState, state_of
from parley_core.errors import StartupError
from parley_core.log_lines import LogLine
from parley_core.waiting import end

LEASE_SECONDS = 15.0
"""How long the others wait for a process that has died."""
_BATCH_SECONDS = 600
_log = logging.getLogger("parley.migrations")


class _LeaseLost(Exception):
    """Another process runs the migrations, since this one hasn't been able to renew its lease."""


class MigrationRunner:
    """Runs the migrations of one plugin on one database.

    A process that dies leaves its lease, which ends by itself, and the cursor of its last batch, from which the next
    one goes on.

    Args:
        database: the data.
        plugin: the plugin's name.
        migrations: its migrations in their order.
    """

    def __init__(self, database: Database, plugin: str, migrations: Sequence[Migration]) -> None:
        self._database = database
        self._states = database[SCHEMA]
        self._plugin = plugin
        self._migrations = migrations
        self._id = new_id()
        self._one_at_a_time = asyncio.Lock()

    async def advance(self, number: int) -> bool:
        """Do the migrations up to a number, unless another process is at it.

        Returns: whether all of them are done.

        Raises:
            StartupError: one of them failed; the message names plugin, migration and reason.
        """
        # This process's own lease doesn't keep it from beginning a second time.
        async with self._one_at_a_time:
            if (await self._state()).number >= number:
                return True
            if (found := await self._lease()) is None:
                return False
            async with self._renewing():
                return await self._run_all(number, found)

    async def _run_all(self, number: int, found: SchemaState) -> bool:
        """Do what is left up to a number; return whether the lease has lasted for that."""
        try:
            for migration in self._migrations[found.number : number]:
                await self._run(migration, found)
        except _LeaseLost:
            return False
        return True

    async def _run(self, migration: Migration, found: SchemaState) -> None:
        """Do one migration, from the place at which another process has left it."""
        cursor = found.cursor if found.at == migration.number else None
        await self._store({"$set": {"at": migration.number, "done": False}, "$max": {"floor": migration.floor}})
        while (cursor := await self._batch(migration, cursor)) is not None:
            await self._store({"$set": {"cursor": cursor}})
        await self._store({"$set": {"done": True, "cursor": None}})
        line = LogLine(
            "migration_done",
            "plugin '{plugin}': migration {number} ({name}) is done",
            plugin=self._plugin,
            number=migration.number,
            name=migration.name,
        )
        _log.info(line)

    async def _batch(self, migration: Migration, cursor: object) -> object:
        failure = f"plugin '{self._plugin}': migration {migration.number} ({migration.name}) failed: "
        try:
            with time_limit(_BATCH_SECONDS):
                return await migration.batch(self._database, cursor)
        except PyMongoError as error:
            raise StartupError(failure + reason_of(error)) from error
        except Exception as error:
            raise StartupError(f"{failure}{type(error).__name__}") from error

    async def _state(self) -> SchemaState:
        found = await self._states.find_one({"_id": {"$eq": self._plugin}})
        return state_of(found) if found else SchemaState()

    async def _lease(self) -> SchemaState | None:
        """Take the lease if it is free, or this runner's own; return what is stored then."""
        free = {"$or": [{"runner": self._id}, {"$expr": {"$lt": ["$until", "$$NOW"]}}]}
        found = await self._states.find_one_and_update(
            {"_id": {"$eq": self._plugin}, **free}, [self._taken()], return_document=ReturnDocument.AFTER
        )
        return state_of(found) if found else None

    def _taken(self) -> Document:
        until = {"$add": ["$$NOW", round(LEASE_SECONDS * 1000)]}
        return {"$set": {"runner": {"$literal": self._id}, "until": until}}

    @asynccontextmanager
    async def _renewing(self) -> AsyncIterator[None]:
        """Renew the lease during the block, and give it up at its end."""
        task = asyncio.create_task(kept_running(self._renew, "the lease of a migration"))
        try:
            yield
        finally:
            await end(task)
            with suppress(PyMongoError):
                await self._states.update_one(self._own, {"$unset": {"runner": True, "until": True}})

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            # What fails is tried again; when the lease has ended meanwhile, another process may have it.
            with suppress(PyMongoError):
                await self._states.update_one(self._own, [self._taken()])

    @property
    def _own(self) -> Document:
        return {"_id": {"$eq": self._plugin}, "runner": self._id}

    async def _store(self, change: Document) -> None:
        if not (await self._states.update_one(self._own, change)).matched_count:
            raise _LeaseLost
