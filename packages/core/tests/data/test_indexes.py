"""Indexes: one owner for each collection, built before the first request."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest
from pymongo import AsyncMongoClient, IndexModel

from parley_core import CollectionIndexes, Document, Parley, StartupError
from parley_core.data import indexes
from parley_core.data.indexes import ensure_indexes
from parley_core.declarations import Declared
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin

BY_NAME = CollectionIndexes("notes", (IndexModel("name", name="by_name", unique=True),))


def notes(*declared: CollectionIndexes) -> object:
    return a_plugin("notes", parley_indexes=list(declared))


async def start(settings: CoreSettings, *declared: CollectionIndexes) -> set[str]:
    """The names of the indexes of `notes` once an application has started."""
    async with Parley([settings], plugins=[notes(*declared)]).running() as parley:
        return set(await parley.database["notes"].index_information())


async def refusal(settings: CoreSettings, *declared: CollectionIndexes) -> str:
    with pytest.raises(StartupError) as failure:
        await start(settings, *declared)
    return str(failure.value)


class TestBuilding:
    async def test_missing_ones_are_built(self, core_settings: CoreSettings) -> None:
        """What is declared exists after the start, and a second start changes nothing."""
        assert await start(core_settings, BY_NAME) == {"_id_", "by_name"}
        assert await start(core_settings, BY_NAME) == {"_id_", "by_name"}

    async def test_collection_without_indexes(self, core_settings: CoreSettings) -> None:
        """A collection may be owned without an index."""
        assert await start(core_settings, CollectionIndexes("notes", ())) == set()

    async def test_changed_options(self, core_settings: CoreSettings) -> None:
        """MongoDB never applies a changed definition, so the start stops and says what to do."""
        await start(core_settings, BY_NAME)
        changed = CollectionIndexes("notes", (IndexModel("name", name="by_name"),))
        message = await refusal(core_settings, changed)
        assert message.startswith("plugin 'notes': an index of collection 'notes' can't be built: ")
        assert "by_name" in message
        assert message.endswith("; give the changed index a new name, and drop the old one by a migration")

    async def test_changed_keys(self, core_settings: CoreSettings) -> None:
        """The same where the name stays and the keys change."""
        await start(core_settings, BY_NAME)
        message = await refusal(core_settings, CollectionIndexes("notes", (IndexModel("title", name="by_name"),)))
        assert "by_name" in message
        assert message.endswith("; give the changed index a new name, and drop the old one by a migration")

    async def test_stored_duplicates(self, core_settings: CoreSettings, mongodb_uri: str) -> None:
        """A unique index over duplicates names the index, and not what is stored."""
        async with AsyncMongoClient[dict[str, str]](mongodb_uri) as client:
            collection = client[core_settings.mongodb_database]["notes"]
            await collection.insert_many([{"name": "ada@example.com"}, {"name": "ada@example.com"}])
        message = await refusal(core_settings, BY_NAME)
        assert "by_name" in message
        assert "ada@example.com" not in message

    async def test_longer_than_a_request(self, core_settings: CoreSettings, mongodb_uri: str) -> None:
        """Building on a large collection isn't bounded by the time of a request."""
        hasty = core_settings.model_copy(update={"request_timeout_seconds": 0.5})
        async with AsyncMongoClient[dict[str, int]](mongodb_uri) as client, client.start_session() as session:
            collection = client[core_settings.mongodb_database]["notes"]
            await collection.insert_one({"name": 1})
            async with await session.start_transaction():
                # Until it ends the build has to wait.
                await collection.insert_one({"name": 2}, session=session)
                starting = asyncio.create_task(start(hasty, BY_NAME))
                await asyncio.sleep(1)
            assert "by_name" in await starting

    async def test_server_goes_away(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A server that is gone before the index is built is no refusal of the index."""
        monkeypatch.setattr(indexes, "_BUILD_SECONDS", 0.2)
        uri = f"mongodb://{quote(str(tmp_path / 'm.sock'), safe='')}/"
        async with AsyncMongoClient[Document](uri, serverSelectionTimeoutMS=100) as client:
            with pytest.raises(StartupError, match=r"plugin 'notes': .*: MongoDB did not answer"):
                await ensure_indexes(client["test"], [Declared("notes", BY_NAME)])


class TestOwners:
    def test_two_plugins_with_one_collection(self) -> None:
        """Only its owner knows what a collection needs."""
        with pytest.raises(StartupError, match="'notes' is declared by plugin 'notes' and by plugin 'other'"):
            Parley(plugins=[notes(BY_NAME), a_plugin("other", parley_indexes=[CollectionIndexes("notes", ())])])
