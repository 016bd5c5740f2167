"""Totals of lists: how often interviews are counted, and what is shown where they are not."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from profiling import profiled

from parley_auth.testing import Account, an_account
from parley_core import Database, Document
from parley_core.caching.store import ReadCache
from parley_core.testing import links_of, walk
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.testing import address_of, create_interview


@pytest.fixture
def cache(app: FastAPI) -> ReadCache:
    """The application's cache, which keeps answers, however the tests are run."""
    cache: ReadCache = app.state.parley.require(ReadCache)
    if not cache.enabled:
        pytest.skip("nothing is kept, so nothing is remembered")
    return cache


async def commands(
    database: Database, client: httpx.AsyncClient, by: Account, *queries: Mapping[str, Any]
) -> tuple[list[Document], Sequence[Document]]:
    """Pages that are asked for at the same time, and what MongoDB did for them."""
    answers: list[httpx.Response] = []

    async def ask() -> httpx.Response:
        asked = (client.get("/v1/interviews", params=query, headers=by.headers) for query in queries)
        answers.extend(await asyncio.gather(*asked))
        return answers[0]

    _, entries = await profiled(database, INTERVIEWS, ask())
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    return [answer.json() for answer in answers], entries


def counts(entries: Sequence[Document]) -> int:
    """How many of the commands count."""
    return sum("$count" in str(entry["command"]) for entry in entries)


@pytest.mark.usefixtures("cache")
class TestRemembered:
    async def test_by_pages_orders_and_callers(
        self, database: Database, client: httpx.AsyncClient, app: FastAPI
    ) -> None:
        """A filter's total is counted with the first page; other pages, orders and administrators don't count."""
        one, two = [await an_account(app, "admin") for _ in range(2)]
        member = await an_account(app, "interviewer")
        for _ in range(3):
            await create_interview(client, one, member)
        query = {"participant_id": member.id, "limit": 1}
        [first], entries = await commands(database, client, one, query)
        assert (first["total"], counts(entries), len(entries)) == (3, 1, 1)
        for by, more in ((one, {"offset": 1}), (one, {"sort": "title"}), (two, {}), (two, {"offset": 2, "limit": 2})):
            [page], entries = await commands(database, client, by, query | more)
            assert (page["total"], counts(entries), len(entries)) == (3, 0, 1), more
        [page], entries = await commands(database, client, one, query | {"status": "ongoing"})
        assert (page["total"], counts(entries)) == (0, 1)

    async def test_until_the_next_write(self, database: Database, client: httpx.AsyncClient, app: FastAPI) -> None:
        """The total after a write is right at once, whoever asks for which page."""
        admin, member = await an_account(app, "admin"), await an_account(app, "interviewer")
        query, address = {"participant_id": member.id, "status": "scheduled"}, ""
        for number in range(1, 4):
            address = address_of(await create_interview(client, admin, member))
            for by, asked in ((admin, query), (admin, query | {"offset": 1}), (member, {"status": "scheduled"})):
                [page], _ = await commands(database, client, by, asked)
                assert page["total"] == number
        await client.patch(f"{address}/status", json={"status": "ongoing"}, headers=admin.headers)
        for by, asked in ((admin, query), (admin, query | {"offset": 1}), (member, {"status": "scheduled"})):
            [page], _ = await commands(database, client, by, asked)
            assert page["total"] == 2

    async def test_once_for_those_who_ask_together(
        self, database: Database, client: httpx.AsyncClient, app: FastAPI
    ) -> None:
        """Pages that are asked for at the same time share one count."""
        admin, member = await an_account(app, "admin"), await an_account(app, "interviewer")
        await create_interview(client, admin, member)
        queries = [{"participant_id": member.id, "offset": offset} for offset in range(8)]
        pages, entries = await commands(database, client, admin, *queries)
        assert [page["total"] for page in pages] == [1] * 8
        assert (counts(entries), len(entries)) == (1, 8)


async def test_nothing_is_remembered_without_the_cache(
    database: Database, client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the cache each page counts, in the command that reads it."""
    monkeypatch.setattr(app.state.parley.require(ReadCache), "enabled", False)
    admin, member = await an_account(app, "admin"), await an_account(app, "interviewer")
    await create_interview(client, admin, member)
    for _ in range(2):
        [page], entries = await commands(database, client, admin, {"participant_id": member.id})
        assert (page["total"], counts(entries), len(entries)) == (1, 1, 1)


class TestLeftOut:
    async def test_nobody_counts(self, database: Database, client: httpx.AsyncClient, app: FastAPI) -> None:
        """With `total=false` nothing is counted, for any filter and on any page, and `total` is null."""
        admin, member = await an_account(app, "admin"), await an_account(app, "interviewer")
        for _ in range(3):
            await create_interview(client, admin, member)
        for query in ({}, {"participant_id": member.id}, {"offset": 1, "status": "scheduled"}, {"q": "nobody"}):
            [page], entries = await commands(database, client, admin, query | {"total": "false", "limit": 2})
            assert page["total"] is None
            assert [next(iter(entry["command"])) for entry in entries] == ["find"], query
        answer = await client.get("/v1/interviews?limit=1&offset=1&total=false", headers=member.headers)
        assert links_of(answer).keys() == {"first", "prev", "next"}

    async def test_walks(self, client: httpx.AsyncClient, app: FastAPI) -> None:
        """Following `next` gives each item once, none with a total."""
        admin, member = await an_account(app, "admin"), await an_account(app, "interviewer")
        created = [await create_interview(client, admin, member) for _ in range(3)]
        seen: list[str] = []
        async for answer in walk(client, "/v1/interviews?limit=1&total=false", headers=member.headers):
            page = answer.json()
            assert page["total"] is None
            assert (page["next"] is None) == (len(seen) == 2)
            seen += [item["id"] for item in page["items"]]
        assert seen == [interview["id"] for interview in reversed(created)]
