"""What packages test with."""

import httpx
import pytest
from fastapi import FastAPI
from pymongo import MongoClient

from parley_core import Actor, CollectionIndexes, Event, EventType, Router, insert_recorded
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import NOON, a_plugin, an_application, logged, running_client, walk

router = Router(prefix="/notes", tag="notes")


@router.get("/crash")
async def crash() -> None:
    raise LookupError


class TestDatabase:
    def test_one_for_each_test(self, core_settings: CoreSettings, mongodb_uri: str) -> None:
        """A test's database is empty and its own."""
        with MongoClient[dict[str, str]](mongodb_uri) as client:
            database = client[core_settings.mongodb_database]
            assert database.list_collection_names() == []
            database["left"].insert_one({"_id": "behind"})

    test_and_the_next_one = test_one_for_each_test

    def test_reused_one(self, reused_settings: CoreSettings, mongodb_uri: str) -> None:
        """A database that tests use one after the other is empty for each."""
        with MongoClient[dict[str, str]](mongodb_uri) as client:
            database = client[reused_settings.mongodb_database]
            assert [name for name in database.list_collection_names() if database[name].find_one()] == []
            database["left"].insert_one({"_id": "behind"})

    test_reused_one_again = test_reused_one


class TestClient:
    async def test_errors_are_shown(self, core_settings: CoreSettings) -> None:
        """A crash fails the test, unless it wants to see what a caller does."""
        app = an_application([core_settings], [a_plugin("notes", parley_routers=[router])])
        async with running_client(app) as client:
            with pytest.raises(LookupError):
                await client.get("/v1/notes/crash")
        async with running_client(app, shown_errors=False) as client:
            assert (await client.get("/v1/notes/crash")).status_code == 500

    async def test_walk_without_end(self) -> None:
        """A list that never ends doesn't hang the test."""
        app = FastAPI()
        app.get("/")(lambda: {"next": "/"})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
            with pytest.raises(AssertionError, match="does not end"):
                [page async for page in walk(client, "/")]


class TestLog:
    async def test_what_was_recorded(self, core_settings: CoreSettings) -> None:
        """What was recorded of one thing is there at once, and nothing of others."""
        written = EventType("note.written", "Somebody wrote a note.")
        indexes = [CollectionIndexes("notes", (), recorded=True)]
        app = an_application([core_settings], [a_plugin("notes", parley_events=[written], parley_indexes=indexes)])
        async with running_client(app):
            notes = app.state.parley.database["notes"]
            for note_id in ("one", "two"):
                await insert_recorded(
                    notes, {"_id": note_id}, Event(type=written, at=NOON, actor=Actor(None, "x", "y"))
                )
            [entry] = await logged(app, "two")
        assert (entry.id, entry.type) == ("note:two:1", "note.written")
