"""What MongoDB does to find keys, as `explain()` of the very commands that a request sends tells it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.indexes import USERS
from parley_auth.testing import Account, an_account, an_api_key
from parley_core import Database, Document, new_id
from parley_core.testing import NOON

ACCOUNTS, ADMINS, OF_EACH = 2000, 20, 5
KEYS = "/v1/api-keys"


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> Account:
    """An administrator among 2,000 accounts, of which 20 have five keys each; some have an empty array of them."""
    await app.state.parley.database[USERS].insert_many(stored(number) for number in range(ACCOUNTS))
    return await an_account(app, "admin")


def stored(number: int) -> Document:
    document: Document = {
        "_id": new_id(),
        "email": f"somebody-{number}@example.com",
        "role": "admin" if number < ADMINS else "candidate",
        "active": True,
        "created_at": NOON,
        "rev": 1,
        "history": [],
    }
    if number < ADMINS:
        document["keys"] = [a_key(place) for place in range(OF_EACH)]
    elif number % 2:
        document["keys"] = []
    return document


def a_key(number: int) -> Document:
    at = NOON + timedelta(seconds=number)
    return {"id": new_id(), "name": "x", "digest": "d", "actions": ["users:list"], "created_at": at}


async def commands(database: Database, *sent: Any) -> list[Document]:
    """Return what MongoDB did to accounts for these requests, as its profiler has seen it."""
    await database["system.profile"].drop()
    await database.command("profile", 2)
    try:
        for request in sent:
            assert (await request).is_success
    finally:
        await database.command("profile", 0)
    where = {"ns": f"{database.name}.{USERS}", "op": {"$in": ["query", "command", "update"]}}
    entries = await database["system.profile"].find(where).to_list()
    # The relay looks beside for what isn't in the log yet.
    return [entry for entry in entries if "history.0" not in str(entry["command"])]


def check(entries: list[Document], *, most: int) -> None:
    """Fail for a plan that scans the collection or looks at more accounts than those that have keys."""
    assert entries
    for entry in entries:
        assert "COLLSCAN" not in entry["planSummary"], entry
        assert entry["docsExamined"] <= most, entry


async def test_list(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """A page looks at the accounts that have keys, twice: for the page and for the total; and at the caller's."""
    request = client.get(f"{KEYS}?limit=7&offset=3", headers=admin.headers)
    entries = await commands(app.state.parley.database, request)
    check(entries, most=ADMINS)
    assert sum("keys" in entry["planSummary"] for entry in entries) == 2
    page = (await client.get(KEYS, headers=admin.headers)).json()
    assert (page["total"], len(page["items"])) == (ADMINS * OF_EACH, 20)


async def test_one(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """Revoking a key and calling with one look at one account each time, by their indexes."""
    key = await an_api_key(client, admin, "users:list")
    entries = await commands(
        app.state.parley.database,
        client.get(f"/v1/users/{admin.id}", headers=(await an_api_key(client, admin, "users:read")).headers),
        client.delete(f"{KEYS}/{key.id}", headers=admin.headers),
    )
    check(entries, most=1)
    assert any("keys" in entry["planSummary"] for entry in entries)


async def test_fires(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """The check fails for a query that scans."""

    class Careless:
        """Looks for a key by what isn't indexed."""

        is_success = True

        def __await__(self) -> Any:
            return self._scan().__await__()

        async def _scan(self) -> "Careless":
            await app.state.parley.database[USERS].find({"keys.name": "x"}).to_list()
            return self

    entries = await commands(app.state.parley.database, Careless())
    with pytest.raises(AssertionError):
        check(entries, most=ADMINS)


async def test_only_holders_are_in_the_index(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """The index has no entry for accounts without keys."""
    database: Database = app.state.parley.database
    counted = await database[USERS].find({"keys.id": {"$gt": ""}}).hint("keys").explain()
    stages = counted["executionStats"]
    assert (stages["nReturned"], stages["totalKeysExamined"]) == (ADMINS, ADMINS * OF_EACH)
