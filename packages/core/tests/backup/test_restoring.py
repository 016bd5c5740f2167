"""A restore is whole or leaves what was there; while it replaces that, no application starts on the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import bson
import pytest

from parley_core.backup.declared import Revocation
from parley_core.backup.errors import UnusableBackup
from parley_core.backup.layout import Described
from parley_core.backup.occupancy import new_restore_name
from parley_core.backup.progress import Progress
from parley_core.backup.reading import verified
from parley_core.backup.restoring import Restore, Wishes
from parley_core.backup.snapshot import STAGED
from parley_core.backup.staging import Staging
from parley_core.data.database import application_name, database_of, open_client
from parley_core.data.invalidation import GENERATIONS
from parley_core.data.stored_format import FORMAT, FORMAT_ID, NUMBER, check_format, is_unfinished, store_format
from parley_core.errors import StartupError
from parley_core.testing.backups import Copier, Database, contents

FORMATS = [{"_id": FORMAT_ID, "number": NUMBER}]


class Killed(BaseException):
    """Stands for the end of a process."""


def kill() -> None:
    raise Killed


async def _fill(database: Database, *names: str) -> None:
    for name in names:
        await database[name].insert_one({"_id": name})
    await database[FORMAT].insert_many(FORMATS)


async def _starts(mongodb_uri: str, name: str) -> bool:
    """Whether an application gets past the check of what is stored."""
    async with open_client(mongodb_uri, database=name, timeout_seconds=5, pool_size=2) as client:
        database = database_of(client, name, event_types={}, recorded=[], invalidations={})
        try:
            await check_format(database)
            await store_format(database)
        except StartupError as error:
            return "a restore into database" not in str(error)
        return True


class TestReplacing:
    @pytest.mark.parametrize("there", ["things", "empty", "view"])
    async def test_data_is_replaced_only_when_asked_for(self, copier: Copier, there: str) -> None:
        await _fill(copier.source, "a")
        await copier.back_up()
        if there == "things":
            await copier.target["things"].insert_one({"_id": 1})
        elif there == "empty":
            await copier.target.create_collection("empty")
        else:
            await copier.target.create_collection("view", viewOn="nothing", pipeline=[])
        before = await contents(copier.target)
        with pytest.raises(StartupError, match="has data: --replace replaces all of it"):
            await copier.restore()
        assert await contents(copier.target) == before
        await copier.restore(replaces=True)
        assert await contents(copier.target) == {"a": [{"_id": "a"}], FORMAT: FORMATS}

    async def test_everything_is_replaced(self, copier: Copier) -> None:
        """Collections of another kind, indexes and what the backup lacks included."""
        await _fill(copier.source, "a", "b", "c")
        await copier.source.create_collection("v", viewOn="a", pipeline=[])
        await copier.back_up()
        await _fill(copier.target, "a", "old", "v")
        await copier.target["a"].create_index("old", name="old")
        await copier.target.create_collection("b", viewOn="a", pipeline=[])
        await copier.target.create_collection("c", timeseries={"timeField": "at"})
        await copier.restore(replaces=True)
        assert await contents(copier.target) == await contents(copier.source)
        assert list(await copier.target["a"].index_information()) == ["_id_"]

    async def test_a_backup_from_before_the_first_start(self, copier: Copier, mongodb_uri: str) -> None:
        await copier.source["a"].insert_one({"_id": 1})
        await copier.back_up()
        await copier.restore()
        assert await contents(copier.target) == {"a": [{"_id": 1}]}
        assert await _starts(mongodb_uri, copier.target.name)


class TestFailures:
    async def test_while_loading(self, copier: Copier, mongodb_uri: str) -> None:
        """What was there stays, and the application starts on it."""
        await _fill(copier.source, "a", "b")
        await copier.back_up()
        await _fill(copier.target, "old")
        before = await contents(copier.target)
        # The file changes after it was verified, in the collection that is loaded second.
        damaged = copier.path.read_bytes().replace(b"\x02_id\0\x02\0\0\0b\0", b"\x02_id\0\x02\0\0\0c\0")
        with verified(copier.path) as archive:
            copier.path.write_bytes(damaged)
            with pytest.raises(UnusableBackup):
                await Restore(archive, copier.target, _wishes(copier), copier.said.append).run()
        assert await contents(copier.target) == before
        assert await _starts(mongodb_uri, copier.target.name)

    async def test_an_index_that_can_not_be_built(self, copier: Copier) -> None:
        """It is named, without what MongoDB quotes of the documents."""
        index = {"v": 2, "key": {"x": 1}, "name": "spot", "unique": True}
        documents = [bson.encode({"_id": number, "x": "secret"}) for number in range(2)]
        staging = Staging(copier.target, Progress(copier.said.append))
        with pytest.raises(StartupError, match=r"^index 'spot' of collection 'a' can't be built \(code 11000\)$"):
            await staging.load(Described("a", "collection", {}, [index]), documents)
        await staging.clear()
        assert await contents(copier.target) == {}

    @pytest.mark.parametrize("had", [True, False], ids=["data there", "an empty database"])
    async def test_while_replacing(self, copier: Copier, mongodb_uri: str, *, had: bool) -> None:
        """No application starts before the restore was repeated, which then needs no leave to replace."""
        await _fill(copier.source, "a")
        await copier.back_up()
        if had:
            await _fill(copier.target, "old")
        with pytest.raises(Killed):
            await copier.restore(replaces=had, before_last=kill)
        assert await is_unfinished(copier.target)
        assert not await _starts(mongodb_uri, copier.target.name)
        await copier.restore()
        assert await contents(copier.target) == await contents(copier.source)
        assert await _starts(mongodb_uri, copier.target.name)

    async def test_what_a_killed_one_has_left(self, copier: Copier) -> None:
        await _fill(copier.source, "a")
        await copier.target[f"{STAGED}a"].insert_one({"_id": "left"})
        await copier.back_up()
        await copier.restore()
        assert await contents(copier.target) == await contents(copier.source)

    async def test_what_a_killed_one_has_left_is_not_backed_up(self, copier: Copier) -> None:
        await _fill(copier.source, "a")
        await copier.source[f"{STAGED}b"].insert_one({"_id": "left"})
        assert (await copier.back_up()).documents == {"a": 1, FORMAT: 1}


@asynccontextmanager
async def _connected(mongodb_uri: str, database: str, name: str | None = None) -> AsyncIterator[None]:
    async with open_client(mongodb_uri, database=database, timeout_seconds=5, pool_size=2, name=name):
        yield


class TestOthers:
    """Whoever else uses the database keeps a restore away."""

    async def test_an_application(self, copier: Copier, mongodb_uri: str) -> None:
        await _fill(copier.source, "a")
        await copier.back_up()
        async with _connected(mongodb_uri, copier.target.name):
            with pytest.raises(StartupError, match="Parley runs on database"):
                await copier.restore()
        assert await contents(copier.target) == {}
        await copier.restore()

    async def test_one_that_comes_meanwhile(self, copier: Copier, mongodb_uri: str) -> None:
        """It was there before anything was replaced: nothing is, and it goes on."""
        await _fill(copier.source, *(f"a{number}" for number in range(20)))
        await copier.back_up()
        await _fill(copier.target, "old")
        before = await contents(copier.target)
        copier.has_begun.clear()
        restoring = asyncio.create_task(copier.restore(replaces=True))
        await copier.has_begun.wait()
        async with _connected(mongodb_uri, copier.target.name):
            with pytest.raises(StartupError, match="Parley runs on database"):
                await restoring
            assert await contents(copier.target) == before
        assert await _starts(mongodb_uri, copier.target.name)

    @pytest.mark.chaos
    async def test_one_of_an_earlier_release(self, copier: Copier, mongodb_uri: str) -> None:
        """Its connections don't say which database it uses."""
        await _fill(copier.source, "a")
        await copier.back_up()
        async with _connected(mongodb_uri, copier.target.name, name="parley"):
            with pytest.raises(StartupError, match="Parley runs on database"):
                await copier.restore()

    @pytest.mark.chaos
    async def test_another_restore(self, copier: Copier, mongodb_uri: str) -> None:
        await _fill(copier.source, "a")
        await copier.back_up()
        other = new_restore_name(copier.target.name)
        async with _connected(mongodb_uri, copier.target.name, name=other):
            with pytest.raises(StartupError, match="a restore runs on database"):
                await copier.restore()

    async def test_those_of_other_databases(self, copier: Copier, mongodb_uri: str) -> None:
        await _fill(copier.source, "a")
        await copier.back_up()
        async with _connected(mongodb_uri, f"{copier.target.name}2"), _connected(mongodb_uri, copier.source.name):
            await copier.restore()

    def test_the_name_fits(self) -> None:
        """MongoDB takes names of 128 bytes."""
        longest = "x" * 38
        assert max(len(application_name(longest)), len(new_restore_name(longest))) <= 128


class TestWhatChanges:
    async def test_generations(self, copier: Copier) -> None:
        """None is one that an answer may have been kept under."""
        await copier.source[GENERATIONS].insert_many([{"_id": "a", "n": 1}, {"_id": "b", "n": 57}])
        await copier.back_up()
        await copier.restore()
        found = {one["_id"]: one["n"] async for one in copier.target[GENERATIONS].find({})}
        assert found.keys() == {"a", "b"}
        assert found["b"] - found["a"] == 56
        assert 10**12 < found["a"] < 2**53

    async def test_revocations(self, copier: Copier) -> None:
        await copier.source["users"].insert_many([{"_id": 1, "sessions": [1, 2], "version": 3}, {"_id": 2}])
        revocation = Revocation("users", {"$set": {"sessions": []}, "$inc": {"version": 1}})
        await copier.back_up()
        await copier.restore(revocation, Revocation("absent", {"$set": {"x": 1}}))
        assert await contents(copier.target) == {
            "users": [{"_id": 1, "sessions": [], "version": 4}, {"_id": 2, "sessions": [], "version": 1}]
        }
        await copier.restore(replaces=True)
        assert await contents(copier.target) == await contents(copier.source)


def _wishes(copier: Copier) -> Wishes:
    return Wishes(
        replaces=True, revocations=(), own_name=new_restore_name(copier.target.name), before_last=lambda: None
    )
