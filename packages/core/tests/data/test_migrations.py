"""Migrations as plugins declare them, and the schema numbers by which a start refuses data that is newer than it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pymongo import AsyncMongoClient

from parley_core import CollectionIndexes, Migration, Parley, StartupError
from parley_core.data.schema_numbers import SCHEMA, schema_numbers
from parley_core.testing import a_plugin, an_application, running_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from parley_core import Database, Document
    from parley_core.data.migrating import MigrationStatus
    from parley_core.data.migrations import Phase
    from parley_core.kernel.settings import CoreSettings

OWNED = [CollectionIndexes("notes", ())]


async def nothing(_: Database, _cursor: object) -> None:
    """Do what a migration of these tests does."""


def a_migration(number: int, phase: Phase = "expand", floor: int = 0) -> Migration:
    return Migration(number, f"step {number}", phase, nothing, floor=floor)


def parley_of(settings: CoreSettings, *migrations: Migration) -> Parley:
    plugin = a_plugin("notes", parley_indexes=OWNED, parley_migrations=list(migrations))
    return Parley([settings], plugins=[plugin])


@pytest.fixture
async def stored(core_settings: CoreSettings, mongodb_uri: str) -> AsyncIterator[Database]:
    """The database, with one note that a release without schema numbers has stored."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        database: Any = client[core_settings.mongodb_database]
        await database["notes"].insert_one({"_id": "1", "colour": "red"})
        yield database


async def migrate(parley: Parley) -> None:
    """Does what `parley migrate up` does."""
    async with parley.stored() as migrations:
        await migrations.prepare()
        await migrations.finish()


async def status(parley: Parley) -> Sequence[MigrationStatus]:
    async with parley.stored() as migrations:
        return await migrations.status()


async def dump(database: Database) -> dict[str, Sequence[Document]]:
    """Everything that is stored."""
    names = await database.list_collection_names()
    found = {name: await database[name].find().sort("_id", 1).to_list() for name in sorted(names)}
    return found | {f"indexes of {n}": [dict(await database[n].index_information())] for n in sorted(names)}


class TestDeclarations:
    @pytest.mark.parametrize("numbers", [(2,), (0, 1), (1, 3), (1, 1), (-1,), (1, 2, 2)])
    def test_numbers(self, core_settings: CoreSettings, numbers: Sequence[int]) -> None:
        """Numbers with a gap, a second one of one number, and such as don't begin with 1 stop the start."""
        with pytest.raises(StartupError, match=r"^plugin 'notes': its migrations must have the numbers 1, 2, 3"):
            parley_of(core_settings, *map(a_migration, numbers))

    async def test_order(self, core_settings: CoreSettings) -> None:
        """The order in which they are declared means nothing."""
        async with parley_of(core_settings, a_migration(2), a_migration(1)).stored() as migrations:
            assert [one.migration.number for one in await migrations.status()] == [1, 2]

    @pytest.mark.parametrize(
        ("phase", "floor"), [("shrink", 0), ("", 0), ("contract", 0), ("contract", 4), ("expand", 1), ("backfill", 3)]
    )
    def test_wrong_ones(self, phase: Any, floor: int) -> None:
        """A contract says which releases may go on, as far as it can know them; nothing else does."""
        with pytest.raises(ValueError, match=r"^migration 3 \(step 3\): "):
            a_migration(3, phase, floor=floor)

    def test_no_migration(self, core_settings: CoreSettings) -> None:
        """What isn't a migration is refused with the plugin's name."""
        with pytest.raises(StartupError, match=r"plugin 'notes': hook 'parley_migrations' returned str, not "):
            Parley([core_settings], plugins=[a_plugin("notes", parley_migrations=["1"])])


class TestNumbers:
    async def test_new_database(self, core_settings: CoreSettings) -> None:
        """Where nothing is stored there is nothing to migrate: all is done from the beginning."""

        async def fail(_: Database, _cursor: object) -> None:
            raise AssertionError

        migrations = Migration(1, "one", "expand", fail), Migration(2, "two", "contract", fail, floor=1)
        async with parley_of(core_settings, *migrations).running() as parley:
            assert await schema_numbers(parley.database) == {"notes": 2}
            [state] = await parley.database[SCHEMA].find().to_list()
            assert state == {"_id": "notes", "at": 2, "floor": 1, "done": True, "cursor": None}

    async def test_plugin_that_comes_later(self, core_settings: CoreSettings) -> None:
        """A plugin without migrations has no number; what it has stored is migrated once it has one."""
        async with parley_of(core_settings).running() as parley:
            assert await schema_numbers(parley.database) == {}
            await parley.database["notes"].insert_one({"_id": "1"})
        async with parley_of(core_settings, a_migration(1)).running() as parley:
            assert await schema_numbers(parley.database) == {"notes": 1}

    async def test_older_data(self, core_settings: CoreSettings, stored: Database) -> None:
        """Data of a release without schema numbers is migrated."""
        async with parley_of(core_settings, a_migration(1)).running():
            assert await schema_numbers(stored) == {"notes": 1}


class TestNewerData:
    async def test_refused(self, core_settings: CoreSettings, stored: Database) -> None:
        """An older release is refused before it stores anything: all that is stored is the same afterwards."""
        contracted = [a_migration(1), a_migration(2, "backfill"), a_migration(3, "contract", floor=2)]
        await migrate(parley_of(core_settings, *contracted))
        before = await dump(stored)
        for older in ([], contracted[:1]):
            parley = parley_of(core_settings, *older)
            for attempt in (parley.running().__aenter__(), parley.rehearse(), migrate(parley), status(parley)):
                with pytest.raises(StartupError, match=r"^plugin 'notes': the data .* needs a release that knows num"):
                    await attempt
        assert await dump(stored) == before

    async def test_yesterdays_release(self, core_settings: CoreSettings, stored: Database) -> None:
        """The release before runs beside the one that contracts, and leaves its numbers alone."""
        contracted = [a_migration(1), a_migration(2, "backfill"), a_migration(3, "contract", floor=2)]
        await migrate(parley_of(core_settings, *contracted))
        before = await stored[SCHEMA].find().to_list()
        async with parley_of(core_settings, *contracted[:2]).running():
            assert await stored[SCHEMA].find().to_list() == before

    async def test_another_plugins_data(self, core_settings: CoreSettings, stored: Database) -> None:
        """The numbers of a plugin that isn't loaded are nobody's concern."""
        await migrate(parley_of(core_settings, a_migration(1), a_migration(2, "contract", floor=2)))
        async with Parley([core_settings], plugins=[a_plugin("others", parley_events=[])]).running():
            assert await schema_numbers(stored) == {"notes": 2}

    @pytest.mark.parametrize(
        "change", [{"at": "2"}, {"floor": None}, {"at": True}, {"done": 1}, {"at": -1}, {"floor": 1.5}]
    )
    async def test_unreadable(self, core_settings: CoreSettings, stored: Database, change: Document) -> None:
        """A state that this release doesn't understand is refused too, and stays as it is."""
        await migrate(parley_of(core_settings, a_migration(1)))
        await stored[SCHEMA].update_one({}, {"$set": change})
        before = await dump(stored)
        with pytest.raises(StartupError, match=r"^plugin 'notes': its schema number in the collection"):
            await migrate(parley_of(core_settings, a_migration(1)))
        assert await dump(stored) == before

    async def test_begun_contract(self, core_settings: CoreSettings, stored: Database) -> None:
        """From the moment in which a contract begins, releases below its floor are refused, though it fails."""

        async def fail(_: Database, _cursor: object) -> None:
            raise AssertionError

        contract = Migration(2, "two", "contract", fail, floor=2)
        with pytest.raises(StartupError, match=r"^plugin 'notes': migration 2 \(two\) failed: AssertionError$"):
            await migrate(parley_of(core_settings, a_migration(1), contract))
        with pytest.raises(StartupError, match="needs a release that knows number 2, and this one knows 1"):
            await migrate(parley_of(core_settings, a_migration(1)))


class TestReadiness:
    async def test_running_process(self, core_settings: CoreSettings) -> None:
        """A running process is ready as long as the data is of its release; a restored backup may end that."""
        plugin = a_plugin("notes", parley_indexes=OWNED, parley_migrations=[a_migration(1), a_migration(2)])
        # By hand, so that the process itself mends nothing.
        app = an_application([core_settings.model_copy(update={"migrate": "manual"})], [plugin])
        async with running_client(app) as client:
            states = app.state.parley.database[SCHEMA]
            for change, status in (
                ({"at": 1}, 503),
                ({"at": 2}, 200),
                ({"done": False}, 503),
                ({"done": True}, 200),
                ({"at": 3, "done": False, "floor": 2}, 200),
                ({"floor": 3}, 503),
                ({"at": 2, "done": True, "floor": 0}, 200),
                ({"at": "2"}, 503),
            ):
                await states.update_one({}, {"$set": change})
                answer = await client.get("/readyz")
                assert (change, answer.status_code) == (change, status), answer.text
                assert status == 200 or answer.json()["code"] == "unavailable"
            assert (await client.get("/healthz")).status_code == 200
