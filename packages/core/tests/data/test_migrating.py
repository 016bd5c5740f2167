"""Running migrations: who does, when, and what happens when that process dies, is too slow or fails."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import AsyncMongoClient, IndexModel
from pymongo.errors import AutoReconnect, OperationFailure

from parley_core import CollectionIndexes, Migration, Parley, StartupError
from parley_core.data import migrating, migration_runner
from parley_core.data.migrating import DataMigrations, MigrationsMissing
from parley_core.data.migration_runner import MigrationRunner
from parley_core.data.migration_steps import backfilled
from parley_core.data.schema_numbers import SCHEMA, schema_numbers
from parley_core.testing import a_plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from parley_core import Database, Document
    from parley_core.data.migrations import Phase
    from parley_core.kernel.settings import CoreSettings

COUNT = 5
PAST, FUTURE = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))


class Counting:
    """A migration in five batches, which remembers with which cursor each was called."""

    def __init__(self, number: int = 1, phase: Phase = "expand") -> None:
        self.cursors: list[object] = []
        self.is_allowed = asyncio.Event()
        self.is_allowed.set()
        self.has_begun, self.has_ended = asyncio.Event(), asyncio.Event()
        self.failures: list[Exception] = []
        self.migration = Migration(number, "count", phase, self._batch, floor=int(phase == "contract"))

    async def _batch(self, _: Database, cursor: Any) -> Any:
        self.cursors.append(cursor)
        self.has_begun.set()
        await self.is_allowed.wait()
        if self.failures:
            raise self.failures.pop()
        if (following := (cursor or 0) + 1) < COUNT:
            return following
        self.has_ended.set()
        return None


def parley_of(settings: CoreSettings, *counting: Counting, indexes: tuple[IndexModel, ...] = ()) -> Parley:
    migrations = [one.migration for one in counting]
    owned = [CollectionIndexes("notes", indexes)]
    return Parley([settings], plugins=[a_plugin("notes", parley_indexes=owned, parley_migrations=migrations)])


@pytest.fixture
async def stored(core_settings: CoreSettings, mongodb_uri: str) -> AsyncIterator[Any]:
    """The database, with notes that a release without schema numbers has stored."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri, tz_aware=True) as client:
        database = client[core_settings.mongodb_database]
        await database["notes"].insert_many([{"_id": number, "box": number} for number in range(10)])
        yield database


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(migrating, "_POLL_BESIDE_REQUESTS_SECONDS", 0.01)
    monkeypatch.setattr(migrating, "_FAILURE_SECONDS", 0.01)


async def prepare(parley: Parley) -> None:
    """Do what a start does of the migrations before it serves."""
    async with parley.stored() as migrations:
        await migrations.prepare()


async def finished(parley: Parley) -> None:
    """Return when a running application has done all migrations."""
    async with asyncio.timeout(20):
        await parley.require(DataMigrations).finish()


def a_state(**changes: object) -> Document:
    return {"_id": "notes", "at": 0, "floor": 0, "done": True, "cursor": None} | changes


class TestTurns:
    async def test_cursor(self, core_settings: CoreSettings, stored: Any) -> None:
        """What a process has left in the middle goes on at its cursor; the next migration begins without one."""
        await stored[SCHEMA].insert_one(a_state(at=1, done=False, cursor=3, runner="dead", until=PAST))
        first, second = Counting(1), Counting(2)
        await prepare(parley_of(core_settings, first, second))
        assert (first.cursors, second.cursors) == ([3, 4], [None, 1, 2, 3, 4])
        assert await stored[SCHEMA].find_one() == a_state(at=2)

    async def test_living_runner(self, core_settings: CoreSettings, stored: Any) -> None:
        """A start waits for the process that has the lease, and takes it when the database's time is over."""
        await stored[SCHEMA].insert_one(a_state(runner="other", until=FUTURE))
        counting = Counting()
        start = asyncio.create_task(prepare(parley_of(core_settings, counting)))
        await asyncio.wait([start], timeout=0.5)
        assert (start.done(), counting.cursors) == (False, [])
        await stored[SCHEMA].update_one({}, {"$set": {"until": PAST}})
        await start
        assert counting.cursors == [None, 1, 2, 3, 4]

    async def test_done_by_another(self, core_settings: CoreSettings, stored: Any) -> None:
        """A start goes on as soon as another process has done what it waits for, though that has more to do."""
        await stored[SCHEMA].insert_one(a_state(runner="other", until=FUTURE))
        first, second = Counting(1), Counting(2, "backfill")
        start = asyncio.create_task(prepare(parley_of(core_settings, first, second)))
        await stored[SCHEMA].update_one({}, {"$set": {"at": 2, "done": False}})
        await start
        assert (first.cursors, second.cursors) == ([], [])

    async def test_renewed(self, core_settings: CoreSettings, stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """A batch that takes longer than the lease is nobody else's."""
        monkeypatch.setattr(migration_runner, "LEASE_SECONDS", 0.9)
        slow, other = Counting(), Counting()
        slow.is_allowed.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(prepare(parley_of(core_settings, slow)))
            await slow.has_begun.wait()
            tasks.create_task(prepare(parley_of(core_settings, other)))
            await asyncio.wait([asyncio.create_task(other.has_begun.wait())], timeout=1.8)
            slow.is_allowed.set()
        assert (slow.cursors, other.cursors) == ([None, 1, 2, 3, 4], [])

    async def test_frozen(self, core_settings: CoreSettings, stored: Any) -> None:
        """A process that has lost its lease while it was frozen stores nothing more, and waits for the other one."""
        frozen = Counting()
        frozen.is_allowed.clear()
        start = asyncio.create_task(prepare(parley_of(core_settings, frozen)))
        await frozen.has_begun.wait()
        other = a_state(at=1, done=False, cursor=4, runner="other", until=FUTURE)
        await stored[SCHEMA].replace_one({}, other)
        frozen.is_allowed.set()
        await asyncio.wait([start], timeout=0.3)
        assert (start.done(), frozen.cursors) == (False, [None])
        assert await stored[SCHEMA].find_one({}, {"until": 0}) == {n: v for n, v in other.items() if n != "until"}
        await stored[SCHEMA].update_one({}, {"$set": {"until": PAST}})
        await start
        assert frozen.cursors == [None, 4]

    async def test_lease_is_given_up(self, core_settings: CoreSettings, stored: Any) -> None:
        """Whoever stops or fails in the middle lets the next one go on at once."""
        for failure in (OperationFailure("no"), ValueError("red")):
            failing = Counting()
            failing.failures.append(failure)
            with pytest.raises(
                StartupError, match=r"^plugin 'notes': migration 1 \(count\) failed: (refused|ValueError)$"
            ):
                await prepare(parley_of(core_settings, failing))
            assert await stored[SCHEMA].find_one() == a_state(at=1, done=False)

    async def test_lost_answer(self, core_settings: CoreSettings, stored: Any) -> None:
        """A process whose lease was granted without its learning of it takes it again."""
        counting = Counting()
        async with parley_of(core_settings, counting).stored() as migrations:
            await stored[SCHEMA].insert_one(a_state())
            runner = MigrationRunner(stored, "notes", [counting.migration])
            assert await runner._lease()  # noqa: SLF001 - as if its answer had been lost
            assert await runner.advance(1)
            assert [one.state for one in await migrations.status()] == ["done"]


class TestBesideRequests:
    async def test_backfill(self, core_settings: CoreSettings, stored: Any) -> None:
        """An application serves before its backfills and contracts are done."""
        first, backfill, contract = Counting(1), Counting(2, "backfill"), Counting(3, "contract")
        backfill.is_allowed.clear()
        async with parley_of(core_settings, first, backfill, contract).running() as parley:
            await backfill.has_begun.wait()
            assert (await stored[SCHEMA].find_one())["at"] == 2
            assert contract.cursors == []
            await parley.require(DataMigrations).check_readiness()
            backfill.is_allowed.set()
            await finished(parley)
        assert len(first.cursors) == len(backfill.cursors) == len(contract.cursors) == COUNT
        assert await stored[SCHEMA].find_one() == a_state(at=3, floor=1)

    async def test_stop(self, core_settings: CoreSettings, stored: Any) -> None:
        """An application that stops leaves the rest, its place and no lease."""
        backfill = Counting(1, "backfill")
        backfill.is_allowed.clear()
        async with parley_of(core_settings, backfill).running():
            await backfill.has_begun.wait()
        assert await stored[SCHEMA].find_one() == a_state(at=1, done=False)

    @pytest.mark.parametrize(
        ("failure", "logged"),
        [(AutoReconnect(), "migrations wait: the database failed"), (ValueError("red"), "a migration failed, and is")],
    )
    async def test_failure(
        self,
        core_settings: CoreSettings,
        stored: Any,
        caplog: pytest.LogCaptureFixture,
        failure: Exception,
        logged: str,
    ) -> None:
        """A backfill that fails is tried again, and the application goes on."""
        caplog.set_level(logging.INFO, "parley.migrations")
        backfill = Counting(1, "backfill")
        backfill.failures.append(failure)
        backfill.is_allowed.clear()
        async with parley_of(core_settings, backfill).running() as parley:
            await backfill.has_begun.wait()
            backfill.is_allowed.set()
            async with asyncio.timeout(20):
                await backfill.has_ended.wait()
            await finished(parley)
        assert backfill.cursors == [None, None, 1, 2, 3, 4]
        assert any(message.startswith(logged) for message in caplog.messages)
        assert caplog.messages[-1] == "plugin 'notes': migration 1 (count) is done"

    async def test_indexes(self, core_settings: CoreSettings, stored: Any) -> None:
        """What a unique index needs is expanded before it is built."""
        await stored["notes"].update_many({}, {"$set": {"box": 1}})
        unique = (IndexModel("shelf", name="shelf", unique=True),)
        expand = Counting()
        expand.migration = Migration(
            1, "s", "expand", backfilled("notes", {"shelf": None}, [{"$set": {"shelf": "$_id"}}])
        )
        with pytest.raises(StartupError, match="an index of collection 'notes' can't be built"):
            await prepare(parley_of(core_settings, indexes=unique))
        await prepare(parley_of(core_settings, expand, indexes=unique))
        assert "shelf" in await stored["notes"].index_information()


class TestManually:
    async def test_missing(self, core_settings: CoreSettings, stored: Any) -> None:
        """A start changes nothing, says what to run, and succeeds afterwards."""
        manual = core_settings.model_copy(update={"migrate": "manual"})
        names = await stored.list_collection_names()
        expand, backfill = Counting(1), Counting(2, "backfill")
        for attempt in ("running", "rehearse"):
            parley = parley_of(manual, expand, backfill)
            with pytest.raises(MigrationsMissing, match=r"^plugin 'notes': .* run `parley migrate up`$"):
                await (parley.rehearse() if attempt == "rehearse" else parley.running().__aenter__())
        assert (expand.cursors, await stored.list_collection_names()) == ([], names)
        await prepare(parley_of(manual, expand, backfill))
        async with parley_of(manual, expand, backfill).running():
            assert (len(expand.cursors), backfill.cursors) == (COUNT, [])
            assert (await stored[SCHEMA].find_one())["at"] == 1

    async def test_new_database(self, core_settings: CoreSettings) -> None:
        """A new database needs no migration."""
        manual = core_settings.model_copy(update={"migrate": "manual"})
        async with parley_of(manual, Counting()).running() as parley:
            assert await schema_numbers(parley.database) == {"notes": 1}

    async def test_status(self, core_settings: CoreSettings, stored: Any) -> None:
        """The status says of each migration whether it is done, and stores nothing."""
        counting = [Counting(1), Counting(2, "backfill"), Counting(3, "backfill")]
        async with parley_of(core_settings, *counting).stored() as migrations:
            assert [one.state for one in await migrations.status()] == ["missing"] * 3
            assert SCHEMA not in await stored.list_collection_names()
            await stored[SCHEMA].insert_one(a_state(at=2, done=False))
            assert [one.state for one in await migrations.status()] == ["done", "begun", "missing"]
            assert [(one.plugin, one.migration.number) for one in await migrations.status()] == [
                ("notes", number) for number in (1, 2, 3)
            ]
