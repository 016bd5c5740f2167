"""The steps that most migrations consist of: repeated, ended in the middle, and beside live writers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import AsyncMongoClient, IndexModel
from pymongo.errors import DuplicateKeyError

from parley_core.data import migration_steps
from parley_core.data.migration_steps import backfilled, dropped_index, renamed_field

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from parley_core.data.migrations import Batch
    from parley_core.kernel.settings import CoreSettings

BEFORE = (
    IndexModel([("box", 1), ("number", 1)], name="number", unique=True),
    IndexModel([("number", 1), ("box", -1)], name="boxes"),
    IndexModel("colour", name="colour"),
)
RENAME = renamed_field("notes", "box", "shelf")


@pytest.fixture
async def database(core_settings: CoreSettings, mongodb_uri: str) -> AsyncIterator[Any]:
    """40 notes in two boxes, whose numbers are unique in their box."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        database = client[core_settings.mongodb_database]
        await database["notes"].create_indexes(list(BEFORE))
        notes = ({"_id": number, "box": number % 2, "number": number // 2, "colour": "red"} for number in range(40))
        await database["notes"].insert_many(notes)
        yield database


@pytest.fixture(autouse=True)
def _in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_steps, "_BATCH", 7)


async def do(batch: Batch, database: Any) -> list[object]:
    """Do all batches; return their cursors."""
    cursors: list[object] = [None]
    while (cursor := await batch(database, cursors[-1])) is not None:
        cursors.append(cursor)
    return cursors


class TestBackfilled:
    @pytest.mark.parametrize("change", [{"$set": {"size": 1}}, [{"$set": {"size": {"$add": ["$box", 1]}}}]])
    async def test_all(self, database: Any, change: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Every document that needs it is changed, in batches; a second time none is."""
        await database["notes"].update_many({"number": 3}, {"$set": {"size": 9}})
        batch = backfilled("notes", {"size": {"$exists": False}}, change)
        assert await do(batch, database) == [None, 8, 15, 22, 29, 36, 39]
        boxes = 0 if isinstance(change, dict) else 1
        assert [note["size"] for note in await database["notes"].find().sort("_id", 1).to_list()] == [
            9 if number // 2 == 3 else 1 + boxes * (number % 2) for number in range(40)
        ]
        assert await do(batch, database) == [None]

    async def test_live_writer(self, database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """What somebody writes between the reading and the writing of a batch is left alone."""
        collection, plain = type(database["notes"]), type(database["notes"]).update_many

        async def writing_first(*arguments: Any, **options: Any) -> object:
            monkeypatch.setattr(collection, "update_many", plain)
            await database["notes"].update_one({"_id": 3}, {"$set": {"size": 9}})
            return await plain(*arguments, **options)

        monkeypatch.setattr(collection, "update_many", writing_first)
        await do(backfilled("notes", {"size": {"$exists": False}}, {"$set": {"size": 1}}), database)
        assert await database["notes"].distinct("size") == [1, 9]
        assert await database["notes"].distinct("_id", {"size": 9}) == [3]

    async def test_at_once(self, database: Any) -> None:
        """Two processes at once change each document once."""
        batch = backfilled("notes", {"seen": None}, {"$inc": {"count": 1}, "$set": {"seen": True}})
        await asyncio.gather(do(batch, database), do(batch, database))
        assert await database["notes"].distinct("count") == [1]

    async def test_no_collection(self, database: Any) -> None:
        """Where nothing is stored there is nothing to do."""
        assert await do(backfilled("others", {}, {"$set": {"size": 1}}), database) == [None]


class TestRenamedField:
    async def check(self, database: Any, count: int = 40) -> None:
        """Check that every note has the new field with its value, and that no index is over the old one."""
        stored = await database["notes"].find().to_list()
        assert [note.pop("shelf") for note in stored] == [note["_id"] % 2 for note in stored]
        assert all(note.keys() == {"_id", "number", "colour"} for note in stored)
        assert (len(stored), set(await database["notes"].index_information())) == (count, {"_id_", "colour"})

    async def test_again(self, database: Any) -> None:
        """A second time changes nothing but what was written under the old name meanwhile."""
        for number in (40, 41):
            assert await do(RENAME, database) == [None]
            await self.check(database, number)
            await database["notes"].insert_one({"_id": number, "box": number % 2, "number": 20, "colour": "red"})

    async def test_at_once(self, database: Any) -> None:
        """Several processes don't disturb each other."""
        await asyncio.gather(*(do(RENAME, database) for _ in range(4)))
        await self.check(database)

    @pytest.mark.parametrize("renamed", [0, 13, 40])
    @pytest.mark.parametrize("dropped", [("number",), ("number", "boxes")])
    async def test_ended_in_the_middle(self, database: Any, dropped: tuple[str, ...], renamed: int) -> None:
        """A process that ended after any step, or in the middle of the renaming, is completed by the next one."""
        for name in dropped:
            await database["notes"].drop_index(name)
        await database["notes"].update_many({"_id": {"$lt": renamed}}, {"$rename": {"box": "shelf"}})
        await do(RENAME, database)
        await self.check(database)

    async def test_unique_index(self, database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without dropping the unique index over the old name first the renaming would be refused."""

        async def nothing(*_: object) -> None: ...

        monkeypatch.setattr(migration_steps, "_drop", nothing)
        await database["notes"].insert_one({"_id": 40, "box": 2, "number": 0})
        with pytest.raises(DuplicateKeyError):
            await do(RENAME, database)

    async def test_index_of_the_old_name(self, database: Any) -> None:
        """An index that contains the documents with the old field is used, so that a large collection isn't read."""
        await do(RENAME, database)
        having = IndexModel("box", name="renamed_box", partialFilterExpression={"box": {"$exists": True}})
        await database["notes"].create_indexes([having])
        await database.command("profile", 2)
        await do(RENAME, database)
        await database.command("profile", 0)
        [entry] = await database["system.profile"].find({"op": "update", "ns": database["notes"].full_name}).to_list()
        assert (entry["docsExamined"], entry["planSummary"].partition(" ")[0]) == (0, "IXSCAN")
        await self.check(database)


class TestDroppedIndex:
    async def test_again(self, database: Any) -> None:
        """An index that isn't there, or no longer, is no failure; neither is a collection."""
        for collection in ("notes", "notes", "others"):
            assert await do(dropped_index(collection, "boxes"), database) == [None]
        assert set(await database["notes"].index_information()) == {"_id_", "number", "colour"}
