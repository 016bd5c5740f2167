"""What is read of callers' accounts: what each of them needs, in one query."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.callers import CallerReader
from parley_auth.indexes import USERS
from parley_auth.testing import Account, an_account
from parley_core import Database, new_id
from parley_core.log.relay import Relay
from parley_core.testing import NOON

KEYS = [new_id() for _ in range(50)]


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> Account:
    """An administrator with fifty keys."""
    admin = await an_account(app, "admin")
    keys = [{"id": key, "actions": ["users:list"], "expires_at": NOON + timedelta(days=1)} for key in KEYS]
    await app.state.parley.database[USERS].update_one({"_id": admin.id}, {"$set": {"keys": keys}})
    return admin


@pytest.fixture
async def reader(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> CallerReader:
    """A reader, and no relay that reads accounts beside it, since all events are in the log."""
    await app.state.parley.require(Relay).drain()
    return CallerReader(app.state.parley.database)


def ids_in(account: Any) -> list[str]:
    return [key["id"] for key in account.get("keys", ())]


async def queries(database: Database, *reads: Any) -> tuple[list[Any], int]:
    """Return what was read at once, and in how many queries."""
    await database.command("profile", 2)
    try:
        found = await asyncio.gather(*reads)
    finally:
        await database.command("profile", 0)
    sent = await database["system.profile"].find({"ns": f"{database.name}.{USERS}", "op": "query"}).to_list()
    await database["system.profile"].drop()
    return found, sum("_id" in entry["command"]["filter"] for entry in sent)


async def test_token(reader: CallerReader, admin: Account) -> None:
    """A caller with an access token has no keys read, though the account has fifty."""
    account = await reader.read(admin.id)
    assert account
    assert account.keys() == {"_id", "role", "active", "token_version", "sessions"}


async def test_key(reader: CallerReader, admin: Account) -> None:
    """A caller with a key has that key read and no other; one that the account doesn't have is not there."""
    account = await reader.read_with_key(admin.id, KEYS[7])
    assert account
    assert (ids_in(account), account["role"], account["active"]) == ([KEYS[7]], "admin", True)
    assert ids_in(await reader.read_with_key(admin.id, new_id())) == []
    assert await reader.read_with_key(new_id(), KEYS[7]) is None
    assert "keys" not in (await reader.read(admin.id) or {})


async def test_account_without_keys(app: FastAPI, client: httpx.AsyncClient, reader: CallerReader) -> None:
    """An account without the array has no key."""
    account = await an_account(app)
    assert ids_in(await reader.read_with_key(account.id, KEYS[0])) == []


async def test_together(app: FastAPI, reader: CallerReader, admin: Account) -> None:
    """Callers of one moment, with tokens and keys, share one query, in which everybody finds their own key."""
    another = await an_account(app, "admin")
    wanted = [KEYS[1], KEYS[2], KEYS[2], None, KEYS[49]]
    reads = [reader.read_with_key(admin.id, key) if key else reader.read(admin.id) for key in wanted]
    found, count = await queries(app.state.parley.database, *reads, reader.read(another.id))
    assert count == 1
    assert all(key in ids_in(account) for key, account in zip(wanted, found, strict=False) if key)
    assert set(ids_in(found[0])) == {KEYS[1], KEYS[2], KEYS[49]}


async def test_waves(reader: CallerReader, admin: Account) -> None:
    """Callers who come while a query is under way find their keys in the next one, also when others give up."""

    async def later(turns: int, key: str) -> bool:
        for _ in range(turns):
            await asyncio.sleep(0)
        return key in ids_in(await reader.read_with_key(admin.id, key))

    tasks = [asyncio.create_task(later(number, key)) for number, key in enumerate(KEYS * 2)]
    for number in range(20):
        await asyncio.sleep(0)
        tasks[5 * number].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in found if one is not True and not isinstance(one, asyncio.CancelledError)] == []
    assert sum(one is True for one in found) >= 80
    assert "keys" not in (await reader.read(admin.id) or {})
