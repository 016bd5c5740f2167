"""What packages test with."""

import httpx
import pytest
from fastapi import FastAPI
from pymongo import MongoClient

from parley_core import Router
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client, walk

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
