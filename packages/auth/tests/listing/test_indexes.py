"""What MongoDB does for each list of accounts, as `explain()` of the very commands that a request sends shows it."""

import itertools
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from counts import rounds
from fastapi import FastAPI
from pymongo import MongoClient

import parley_auth.plugin
from parley_auth.accounts.search_words import search_words
from parley_auth.indexes import USERS
from parley_auth.listing.schemas import UserQuery
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Database, Document, PageQuery
from parley_core.caching.store import ReadCache
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import NOON, an_application

ACCOUNTS = rounds(3000, full=100_000)
# The bounds of an open range are dates that Python doesn't have.
DATES_OF_ANY_TIME = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_MS)
FILTERS: Mapping[str, Mapping[str, str]] = {
    "role": {"role": "admin"},
    "active": {"active": "true"},
    "inactive": {"active": "false"},
    "invited": {"state": "invited"},
    "enabled": {"state": "active"},
    "deactivated": {"state": "deactivated"},
    "word": {"q": "l77"},
    "words": {"q": "ada l77"},
    "e-mail": {"q": "77@exam"},
}
SEARCHES = {"word", "words", "e-mail"}
# What isn't a filter: the page and its order.
OTHERS = {*PageQuery.model_fields, "sort", "cursor"}
COMBINATIONS = [
    (),
    *((name,) for name in FILTERS),
    *itertools.product(["role"], ["active", "invited", "enabled", "deactivated", *sorted(SEARCHES)]),
    *itertools.product(["word", "words"], ["inactive", "enabled"]),
    ("role", "enabled", "word"),
]
SORTS = ["created_at", "-created_at", "email", "-email"]


def stored(number: int) -> Document:
    """The account with this number as it is stored: one of each tenth is inactive, one of seven invited."""
    name, email = f"{('Ada', 'Grace', 'Alan')[number % 3]} L{number % 100}", f"{number}@example.com"
    return {
        "_id": f"{number:024x}",
        "name": name,
        "email": email,
        "search_words": search_words(name, email),
        "role": "admin" if number % 50 == 0 else "user",
        "active": number % 10 > 0,
        "password_hash": "no password",
        "created_at": NOON + timedelta(seconds=number),
        "rev": 1,
        "history": [],
        **({"state": "invited"} if number % 7 == 0 else {"state": "active"} if number % 2 else {}),
    }


class Reader:
    """An administrator who lists accounts, and what MongoDB does for that."""

    def __init__(self, database: Database, client: httpx.AsyncClient, admin: Account) -> None:
        self._database, self._client, self._admin = database, client, admin

    async def profiled(self, address: str, query: Mapping[str, str] | None = None) -> tuple[Document, list[Document]]:
        """The page, and what MongoDB did for it, as its profiler has seen it."""
        await self._database["system.profile"].drop()
        await self._database.command("profile", 2)
        try:
            answer = await self._client.get(address, params=query, headers=self._admin.headers)
        finally:
            await self._database.command("profile", 0)
        assert answer.status_code == 200, answer.text
        seen = await self._database["system.profile"].find({"ns": f"{self._database.name}.{USERS}"}).to_list()
        return answer.json(), [entry for entry in seen if is_of_a_list(entry["command"])]

    async def plans(self, query: Mapping[str, str]) -> Sequence[Sequence[str]]:
        """The stages of the query plans of a page and of its total.

        They are one command, unless they are counted along an index that must be named. Without the total the page is
        another command, with the same plan.
        """
        _, entries = await self.profiled("/v1/users", query)
        plans = [plan for entry in entries for plan in await stages(self._database, entry["command"])]
        _, [alone] = await self.profiled("/v1/users", {**query, "total": "false"})
        assert (len(entries), len(plans)) == (2 if "q" in query or not query.keys() - {"sort"} else 1, 2)
        [page] = await stages(self._database, alone["command"])
        assert page in plans
        return plans


def is_of_a_list(command: Document) -> bool:
    """Whether a command is the list's: neither the guard's, which reads one account, nor of what goes on beside."""
    where = str(command.get("filter", ""))
    return "aggregate" in command or ("find" in command and "'_id': {'$in'" not in where and "history" not in where)


async def stages(database: Database, command: Document) -> list[list[str]]:
    """The stages of each query plan that MongoDB chooses for a command."""
    plain = {name: value for name, value in command.items() if not name.startswith("$") and name != "lsid"}
    explained = await database.command({"explain": plain, "verbosity": "queryPlanner"}, codec_options=DATES_OF_ANY_TIME)
    return [list(inside(plan)) for plan in winning(explained)]


def winning(explained: Any) -> Iterator[Any]:
    if isinstance(explained, dict):
        for name, value in explained.items():
            yield from [value] if name == "winningPlan" else winning(value)
    elif isinstance(explained, list):
        for value in explained:
            yield from winning(value)


def inside(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        yield from [plan["stage"]] if "stage" in plan else []
        yield from [f"along {plan['indexName']}"] if "indexName" in plan else []
    values = plan.values() if isinstance(plan, dict) else plan if isinstance(plan, list) else ()
    for value in values:
        yield from inside(value)


@pytest.fixture(scope="module")
async def app(mongodb_uri: str) -> AsyncIterator[FastAPI]:
    """An application that serves the whole module, since many accounts are stored."""
    name = f"test_{uuid.uuid4().hex[:20]}"
    settings = CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=name)  # type: ignore[arg-type]
    app = an_application([settings, auth_settings()], [parley_auth.plugin])
    async with app.router.lifespan_context(app):
        yield app
    with MongoClient[dict[str, object]](mongodb_uri) as client:
        client.drop_database(name)


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


@pytest.fixture(scope="module")
async def reader(app: FastAPI, client: httpx.AsyncClient) -> Reader:
    admin = await an_account(app, "admin", name="Root", email="root@example.org")
    database: Database = app.state.parley.database
    for first in range(0, ACCOUNTS, 5000):
        await database[USERS].insert_many(stored(n) for n in range(first, min(first + 5000, ACCOUNTS)))
    # What is looked at here is what a list costs that isn't kept yet.
    app.state.parley.require(ReadCache).enabled = False
    return Reader(database, client, admin)


def test_every_filter_is_looked_at() -> None:
    """A new filter needs a row above, by which its index is found."""
    assert {name for query in FILTERS.values() for name in query} == UserQuery.model_fields.keys() - OTHERS


class TestPlans:
    @pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
    async def test_filters(self, reader: Reader, names: Sequence[str]) -> None:
        """Every filter is answered and counted along an index, and in the default order sorted by it alone.

        Only what `q` finds is sorted then: an index of words can't have the order of creation too.
        """
        query = {name: value for filter_ in names for name, value in FILTERS[filter_].items()}
        for chosen in await reader.plans(query):
            assert {"IXSCAN", "COUNT_SCAN"} & set(chosen), chosen
            assert "COLLSCAN" not in chosen
            assert SEARCHES & set(names) or "SORT" not in chosen, chosen

    @pytest.mark.parametrize("sort", [*SORTS, "-created_at,email", "email,created_at"])
    @pytest.mark.parametrize("names", [(), ("role",), ("enabled",), ("word",)], ids="+".join)
    async def test_sorts(self, reader: Reader, names: Sequence[str], sort: str) -> None:
        """Every order is answered along an index, filtered or not; unfiltered by one key without sorting."""
        query = {name: value for filter_ in names for name, value in FILTERS[filter_].items()}
        for chosen in await reader.plans(query | {"sort": sort}):
            assert {"IXSCAN", "COUNT_SCAN"} & set(chosen), chosen
            assert "COLLSCAN" not in chosen
            assert names or sort not in SORTS or "SORT" not in chosen


class TestWork:
    @pytest.mark.parametrize("names", [(), *((name,) for name in FILTERS if name not in SEARCHES)], ids="+".join)
    async def test_a_page_costs_its_items(self, reader: Reader, names: Sequence[str]) -> None:
        """In the default order a page examines its own accounts and one more, however many there are, at any cursor."""
        query = {**(FILTERS[names[0]] if names else {}), "total": "false"}
        page, entries = await reader.profiled("/v1/users", query)
        for _ in range(2):
            [find] = entries
            assert find["docsExamined"] <= 22
            page, entries = await reader.profiled(page["next"])

    async def test_what_contradicts_costs_nothing(self, reader: Reader) -> None:
        """Active accounts that are deactivated are not looked for."""
        page, entries = await reader.profiled("/v1/users", {"active": "true", "state": "deactivated"})
        assert (page["items"], page["total"]) == ([], 0)
        assert [entry["docsExamined"] for entry in entries] == [0]

    @pytest.mark.parametrize("name", ["word", "e-mail"])
    async def test_q_examines_matches_only(self, reader: Reader, name: str) -> None:
        """Of all accounts those are examined that `q` finds, whatever narrows them further, on each page."""
        query = {**FILTERS[name], "limit": "1"}
        page, entries = await reader.profiled("/v1/users", query)
        total = page["total"]
        assert 0 < total <= ACCOUNTS // 100 + 1
        for more in ({}, {"role": "user"}, {"state": "active"}, {"sort": "email"}):
            page, entries = await reader.profiled("/v1/users", {**query, **more})
            for entry in entries:
                # Each is fetched once; what narrows them is another stage, which looks at them again.
                assert entry["docsExamined"] <= total * (2 if more else 1), entry["command"]
                assert entry["keysExamined"] <= total + 3

    async def test_words_examine_one_word_s_matches(self, reader: Reader) -> None:
        """Of several words one is looked up, and only what it finds is examined for the others."""
        page, entries = await reader.profiled("/v1/users", FILTERS["words"])
        alone = {word: (await reader.profiled("/v1/users", {"q": word}))[0]["total"] for word in ("ada", "l77")}
        assert 0 < page["total"] <= min(alone.values())
        for entry in entries:
            assert entry["docsExamined"] <= max(alone.values())


@pytest.mark.usefixtures("reader")
async def test_the_checks_fire(app: FastAPI) -> None:
    """The checks above notice a query that scans and one that sorts in memory."""
    careless = {"find": USERS, "filter": {"rev": 2}, "sort": {"password_hash": 1}}
    [chosen] = await stages(app.state.parley.database, careless)
    assert {"COLLSCAN", "SORT"} <= set(chosen)
