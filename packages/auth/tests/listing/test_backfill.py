"""Accounts of an older release get the words by which `q` finds them, beside the first requests."""

import asyncio
import logging
from collections.abc import Sequence

import httpx
import pytest
from fastapi import FastAPI
from pymongo.errors import AutoReconnect

import parley_auth.plugin
from parley_auth.accounts.search_words import SearchWords, search_words
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Document, Parley, new_id
from parley_core.data import stored_words
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import NOON, MovableClock, an_application, running_client
from parley_core.words import SPELLING

USERS = "/v1/users"
WITHOUT_WORDS = {"search_words": {"$ne": SPELLING}}


def of_before(number: int) -> Document:
    """An account as an older release stored it; one of four has no name, another no field for it."""
    stored: Document = {
        "_id": new_id(),
        "email": f"old-{number}@example.com",
        "name": None if number % 4 == 0 else f"Old Number{number}",
        "role": "admin",
        "active": True,
        "password_hash": "no password",
        "created_at": NOON,
        "rev": 1,
        "history": [],
    }
    if number % 4 == 1:
        del stored["name"]
    return stored


@pytest.fixture
async def parley(app: FastAPI, client: httpx.AsyncClient) -> Parley:
    started: Parley = app.state.parley
    return started


@pytest.fixture
async def admin(app: FastAPI, parley: Parley) -> Account:
    return await an_account(app, "admin")


@pytest.fixture
async def old(parley: Parley) -> Sequence[Document]:
    """Accounts of before, more than one batch of them."""
    stored = [of_before(number) for number in range(500)]
    await parley.database.users.insert_many(stored)
    return stored


async def lacking(parley: Parley) -> int:
    return await parley.database.users.count_documents(WITHOUT_WORDS)


async def test_at_start(
    *,
    core_settings: CoreSettings,
    clock: MovableClock,
    parley: Parley,
    admin: Account,
    old: Sequence[Document],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Workers that start at once complete all accounts, and say so when that is done; nothing else of them changes."""
    caplog.set_level(logging.INFO, "parley.words")
    apps = [an_application([core_settings, auth_settings()], [parley_auth.plugin], clock=clock) for _ in range(3)]
    async with running_client(*apps) as workers:
        async with asyncio.timeout(30):
            while not any("are complete" in message for message in caplog.messages):
                # Any request lets the workers go on; each is answered while they are at it.
                assert (await workers.get("/v1/users/me", headers=admin.headers)).status_code == 200
        for text in ("number78", "old-76@", "old-77@"):
            assert (await workers.get(f"{USERS}?q={text}", headers=admin.headers)).json()["total"] == 1
    assert await lacking(parley) == 0
    for before in old:
        words = search_words(before.get("name"), before["email"])
        assert await parley.database.users.find_one({"_id": before["_id"]}) == before | {"search_words": words}


async def test_again(parley: Parley, old: Sequence[Document], caplog: pytest.LogCaptureFixture) -> None:
    """A second time there is nothing to do, and nothing is logged."""
    caplog.set_level(logging.INFO, "parley.words")
    await SearchWords(parley.database).complete()
    await SearchWords(parley.database).complete()
    assert [m for m in caplog.messages if "the words" in m] == [
        "the words of 500 users of an earlier release are complete"
    ]


async def test_renamed_meanwhile(
    monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient, parley: Parley, admin: Account, old: Sequence[Document]
) -> None:
    """An account that is renamed between reading and writing keeps the words of its new name."""
    renamed = old[7]
    collection, plain = type(parley.database.users), type(parley.database.users).bulk_write
    writes = 0

    async def renaming_first(*arguments: object, **options: object) -> object:
        nonlocal writes
        if (writes := writes + 1) == 1:
            monkeypatch.setattr(collection, "bulk_write", plain)
            answer = await client.patch(f"{USERS}/{renamed['_id']}", json={"name": "Grace"}, headers=admin.headers)
            assert answer.status_code == 200, answer.text
        return await plain(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(collection, "bulk_write", renaming_first)
    await SearchWords(parley.database).complete()
    assert writes == 1
    stored = await parley.database.users.find_one({"_id": renamed["_id"]})
    assert stored
    assert stored["search_words"] == search_words("Grace", renamed["email"])
    assert await lacking(parley) == 0


async def test_renamed_by_an_older_release(
    monkeypatch: pytest.MonkeyPatch, parley: Parley, old: Sequence[Document]
) -> None:
    """Where an older release, which stores no words, renames an account in between, the new name is taken."""
    renamed = old[6]
    collection, plain = type(parley.database.users), type(parley.database.users).bulk_write

    async def renaming_first(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(collection, "bulk_write", plain)
        await parley.database.users.update_one({"_id": renamed["_id"]}, {"$set": {"name": "Grace"}})
        return await plain(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(collection, "bulk_write", renaming_first)
    await SearchWords(parley.database).complete()
    stored = await parley.database.users.find_one({"_id": renamed["_id"]})
    assert stored
    assert stored["search_words"] == search_words("Grace", renamed["email"])


async def test_outage(monkeypatch: pytest.MonkeyPatch, parley: Parley, old: Sequence[Document]) -> None:
    """While the database is away the accounts wait; then the work goes on."""
    collection, plain = type(parley.database.users), type(parley.database.users).bulk_write
    failures = 0

    async def failing(*arguments: object, **options: object) -> object:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise AutoReconnect
        return await plain(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(collection, "bulk_write", failing)
    monkeypatch.setattr(stored_words, "_OUTAGE_SECONDS", 0)
    await SearchWords(parley.database).complete()
    assert (failures, await lacking(parley)) == (2, 0)


async def test_stopped(
    core_settings: CoreSettings, clock: MovableClock, parley: Parley, old: Sequence[Document]
) -> None:
    """An application that stops at once leaves the rest for the next start."""
    app = an_application([core_settings, auth_settings()], [parley_auth.plugin])
    async with running_client(app):
        pass
    left = await lacking(parley)
    await SearchWords(parley.database).complete()
    assert 0 < left <= len(old)
    assert await lacking(parley) == 0
