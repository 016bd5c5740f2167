"""Renamed fields: a start gives what an earlier release stored the new name, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import AsyncMongoClient, IndexModel

from parley_core import CollectionIndexes, Parley, StartupError
from parley_core.data import renames
from parley_core.data.indexes import ensure_indexes
from parley_core.data.stored_format import FORMAT, NUMBER
from parley_core.declarations import Declared
from parley_core.testing import a_plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pymongo.asynchronous.collection import AsyncCollection

    from parley_core import Document
    from parley_core.kernel.settings import CoreSettings

BEFORE = (
    IndexModel([("box", 1), ("number", 1)], name="number", unique=True),
    IndexModel([("number", 1), ("box", -1)], name="boxes"),
    IndexModel("colour", name="colour"),
)
AFTER = CollectionIndexes(
    "notes",
    (IndexModel([("shelf", 1), ("number", 1)], name="shelf_number", unique=True), BEFORE[2]),
    renamed={"box": "shelf"},
)
INDEXES = {"_id_", "colour", "shelf_number", "renamed_box"}


@pytest.fixture
async def notes(core_settings: CoreSettings, mongodb_uri: str) -> AsyncIterator[AsyncCollection[Document]]:
    """The collection as the earlier release left it: 40 notes in two boxes, whose numbers are unique in their box."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        notes = client[core_settings.mongodb_database]["notes"]
        await notes.create_indexes(list(BEFORE))
        await notes.insert_many([{"_id": f"{n}", "box": n % 2, "number": n // 2, "colour": "red"} for n in range(40)])
        yield notes


async def start(settings: CoreSettings) -> None:
    """Start and stop an application of this release."""
    async with Parley([settings], plugins=[a_plugin("notes", parley_indexes=[AFTER])]).running():
        pass


async def check(notes: AsyncCollection[Document], count: int = 40) -> None:
    """Check that every note has the new field with its value, and that the new indexes alone exist."""
    stored = await notes.find().sort("number", 1).to_list()
    assert [note.pop("shelf") for note in stored] == [int(note["_id"]) % 2 for note in stored]
    assert all(note.keys() == {"_id", "number", "colour"} for note in stored)
    assert len(stored) == count
    assert set(await notes.index_information()) == INDEXES


async def test_start(core_settings: CoreSettings, notes: AsyncCollection[Document]) -> None:
    """A start renames the field and replaces the indexes over it; the next one changes nothing."""
    for _ in range(2):
        await start(core_settings)
        await check(notes)


async def test_nothing_stored(core_settings: CoreSettings, mongodb_uri: str) -> None:
    """A new database gets the same indexes."""
    await start(core_settings)
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        assert set(await client[core_settings.mongodb_database]["notes"].index_information()) == INDEXES


async def test_several_at_once(core_settings: CoreSettings, notes: AsyncCollection[Document]) -> None:
    """Workers that start together don't disturb each other."""
    for _ in range(5):
        await asyncio.gather(*(start(core_settings) for _ in range(4)))
        await check(notes)
        await notes.drop_indexes()
        await notes.update_many({}, {"$rename": {"shelf": "box"}})
        await notes.create_indexes(list(BEFORE))


@pytest.mark.parametrize("renamed", [0, 13, 40])
@pytest.mark.parametrize("dropped", [(), ("number",), ("number", "boxes")])
async def test_ended_in_the_middle(
    core_settings: CoreSettings, notes: AsyncCollection[Document], dropped: tuple[str, ...], renamed: int
) -> None:
    """A start that ended after any step, or in the middle of the renaming, is completed by the next one."""
    for name in dropped:
        await notes.drop_index(name)
    done = [f"{n}" for n in range(renamed if len(dropped) == 2 else 0)]
    await notes.update_many({"_id": {"$in": done}}, {"$rename": {"box": "shelf"}})
    await start(core_settings)
    await check(notes)


async def test_late_writer(core_settings: CoreSettings, notes: AsyncCollection[Document]) -> None:
    """What a process of the earlier release writes after all the rest was renamed is renamed by the next start."""
    await start(core_settings)
    await notes.insert_one({"_id": "40", "box": 0, "number": 20, "colour": "red"})
    await start(core_settings)
    await check(notes, 41)


async def test_cost_of_a_later_start(core_settings: CoreSettings, notes: AsyncCollection[Document]) -> None:
    """A start that finds nothing to rename looks at no document."""
    await start(core_settings)
    database = notes.database
    await database.command("profile", 2)
    await start(core_settings)
    await database.command("profile", 0)
    [entry] = await database["system.profile"].find({"op": "update", "ns": notes.full_name}).to_list()
    assert (entry["docsExamined"], entry["keysExamined"]) == (0, 0)
    assert "IXSCAN" in entry["planSummary"]


async def test_unique_index_over_the_old_name(
    notes: AsyncCollection[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without dropping the old indexes first the renaming would be refused, and the start with it."""

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(renames, "_drop", nothing)
    with pytest.raises(StartupError, match=r"^plugin 'notes': field 'box' of collection 'notes' can't be renamed: E1"):
        await ensure_indexes(notes.database, [Declared("notes", AFTER)])


async def test_older_release(core_settings: CoreSettings, notes: AsyncCollection[Document]) -> None:
    """The stored number is raised before anything is renamed, so that the earlier release no longer starts."""
    formats = notes.database[FORMAT]
    await formats.insert_one({"_id": "format", "number": NUMBER - 1})
    # Nobody can rename these: the new unique index meets two notes with one number.
    await notes.insert_one({"_id": "same", "shelf": 0, "number": 0})
    with pytest.raises(StartupError, match="shelf_number"):
        await start(core_settings)
    assert await formats.find_one() == {"_id": "format", "number": NUMBER}
