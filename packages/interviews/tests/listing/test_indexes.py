"""What MongoDB does for each documented list, as `explain()` of the very commands that a request sends tells it."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from fastapi import FastAPI
from profiling import is_shared_read, profiled

from parley_auth.testing import Account, an_account
from parley_core import Database, Document, PageQuery, new_id
from parley_core.caching.store import ReadCache
from parley_core.testing import NOON
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.interviews.title_words import found_by
from parley_interviews.listing.schemas import InterviewQuery
from parley_interviews.testing import address_of, create_interview

# The bounds of an open range are dates that Python doesn't have.
DATES_OF_ANY_TIME = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_MS)
STATUSES = ("scheduled", "ongoing", "completed", "cancelled")


@dataclass(frozen=True, repr=False)
class Crowd:
    """3,000 interviews of 30 people in the module's database."""

    admin: Account
    member: Account


@pytest.fixture(scope="module")
async def crowd(app: FastAPI) -> Crowd:
    admin, member = await an_account(app, "admin"), await an_account(app, "interviewer")
    people = [member.id, *(new_id() for _ in range(29))]
    database: Database = app.state.parley.database
    await database[INTERVIEWS].insert_many(stored(n, people) for n in range(3000))
    # What is looked at here is what a list costs that isn't kept yet.
    app.state.parley.require(ReadCache).enabled = False
    return Crowd(admin, member)


def stored(n: int, people: Sequence[str]) -> Document:
    """The n-th interview as it is stored."""
    title = f"Engineer {n % 50} of team {n % 7}"
    return {
        "_id": new_id(),
        "title": title,
        **found_by(title),
        "interview_type": ("technical", "culture", "panel", "screening")[n % 4],
        "description": None,
        "status": STATUSES[n // 3 % 4],
        "scheduled_at": NOON + timedelta(hours=n * 37 % 1000),
        "duration_minutes": 60,
        "ends_at": NOON + timedelta(hours=n * 37 % 1000 + 1),
        "time_zone": "UTC",
        "location": None,
        "external_id": f"ats:{n}" if n % 2 else None,
        "participants": [{"user_id": person} for person in (people[n % 30], people[n * 7 % 29 + 1])],
        "created_by": people[0],
        "created_at": NOON + timedelta(minutes=n),
        "updated_at": NOON + timedelta(minutes=n * 7 % 3000),
        "rev": 1,
        "schedule_version": 0,
        "history": [],
    }


async def stages(database: Database, command: Document) -> list[list[str]]:
    """Return the stages of each query plan that MongoDB chooses for a command: that of the page, and of its total."""
    plain = {name: value for name, value in command.items() if not name.startswith("$") and name != "lsid"}
    explained = await database.command({"explain": plain, "verbosity": "queryPlanner"}, codec_options=DATES_OF_ANY_TIME)
    return [list(inside(plan)) for plan in winning(explained)]


def winning(explained: Any) -> Iterator[Any]:
    if isinstance(explained, dict):
        for name, value in explained.items():
            if name == "winningPlan":
                yield value
            else:
                yield from winning(value)
    elif isinstance(explained, list):
        for value in explained:
            yield from winning(value)


def inside(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        # How fields are left out is no matter of the plan; the two commands name it differently.
        if "stage" in plan and not plan["stage"].startswith("PROJECTION"):
            yield plan["stage"]
        if "indexName" in plan:
            yield f"along {plan['indexName']}"
        for value in plan.values():
            yield from inside(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from inside(value)


FILTERS: dict[str, dict[str, Any]] = {
    "status": {"status": "scheduled"},
    "statuses": {"status": ["scheduled", "ongoing"]},
    "type": {"interview_type": "technical"},
    "types": {"interview_type": ["technical", "panel"]},
    "external id": {"external_id": "ats:7"},
    "from": {"scheduled_from": "2027-03-20T00:00:00Z"},
    "to": {"scheduled_to": "2027-03-20T00:00:00Z"},
    "between": {"scheduled_from": "2027-03-20T00:00:00Z", "scheduled_to": "2027-03-22T00:00:00Z"},
    "since": {"updated_from": "2027-03-04T00:00:00Z"},
    "ends after": {"overlaps_from": "2027-03-20T00:00:00Z"},
    "begins before": {"overlaps_to": "2027-03-20T00:00:00Z"},
    "overlaps": {"overlaps_from": "2027-03-20T00:00:00Z", "overlaps_to": "2027-03-20T08:00:00Z"},
    "word": {"q": "engineer"},
    "beginning": {"q": "engi"},
    "words": {"q": "engineer 7 team"},
}
TIMES = ("from", "to", "between", "since", "ends after", "begins before", "overlaps")
# What isn't a filter of its own: the page, its order, and whose interviews are listed (see `Reader`).
OTHERS = {*PageQuery.model_fields, "sort", "cursor", "participant_id"}
PAIRS = [
    ("status", "type"),
    ("statuses", "types"),
    ("type", "word"),
    ("status", "words"),
    ("types", "word"),
    ("status", "beginning"),
    ("external id", "statuses"),
    ("external id", "types"),
    ("external id", "words"),
    ("external id", "between"),
    ("external id", "since"),
]
COMBINATIONS = [(), *((name,) for name in FILTERS), *PAIRS, *itertools.product(("status", "types", "word"), TIMES)]
KEYS = ("created_at", "updated_at", "scheduled_at", "title", "status")
SORTS = [sign + key for key in KEYS for sign in ("", "-")]


def test_every_filter_is_looked_at() -> None:
    """A new filter needs a row above, by which its index is found."""
    assert {name for query in FILTERS.values() for name in query} == InterviewQuery.model_fields.keys() - OTHERS


class Reader:
    """Somebody who lists interviews, and what MongoDB does for that."""

    def __init__(self, database: Database, client: httpx.AsyncClient, crowd: Crowd, who: str) -> None:
        self.database, self.client = database, client
        self.account = crowd.member if who == "member" else crowd.admin
        self.is_admin = who != "member"
        self.narrowed = {"participant_id": crowd.member.id} if who == "admin for one" else {}

    def list(self, **query: Any) -> Awaitable[httpx.Response]:
        """Requests a list."""
        return self.client.get("/v1/interviews", params=query | self.narrowed or None, headers=self.account.headers)

    async def stages(self, **query: Any) -> Sequence[Sequence[str]]:
        """Return the stages of the query plans of a page and of its total, which are one command.

        Without the total the page is another command, with the same plan.
        """
        [[page, *total], [alone]] = [await self._stages(**query, total=total) for total in ("true", "false")]
        assert page == alone
        is_all = self.is_admin and not self.narrowed and not query.keys() - {"sort"}
        # The number of all interviews comes from a few counters.
        return [page] if is_all else [page, *total]

    async def _stages(self, **query: Any) -> Sequence[Sequence[str]]:
        answer, [entry] = await profiled(self.database, INTERVIEWS, self.list(**query))
        assert answer.status_code == 200, answer.text
        return await stages(self.database, entry["command"])


@pytest.fixture(params=["admin", "admin for one", "member"])
def reader(request: pytest.FixtureRequest, database: Database, client: httpx.AsyncClient, crowd: Crowd) -> Reader:
    return Reader(database, client, crowd, request.param)


class TestPlans:
    @pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
    async def test_filters(self, reader: Reader, names: Sequence[str]) -> None:
        """Every filter is answered and counted along an index, and in the default order sorted by it alone.

        Only a filter on times may be answered along the times, when few interviews meet it, and sorted then.
        """
        query = {name: value for filter_ in names for name, value in FILTERS[filter_].items()}
        for chosen in await reader.stages(**query):
            assert {"IXSCAN", "COUNT_SCAN"} & set(chosen), chosen
            assert "COLLSCAN" not in chosen
            assert set(TIMES) & set(names) or "SORT" not in chosen

    @pytest.mark.parametrize("sort", [*SORTS, "-scheduled_at,title", "status,-created_at", "title,status,scheduled_at"])
    @pytest.mark.parametrize("names", [(), ("status",), ("types", "word"), ("external id",)], ids="+".join)
    async def test_sorts(self, reader: Reader, names: Sequence[str], sort: str) -> None:
        """Every order is answered along an index, filtered or not."""
        query = {name: value for filter_ in names for name, value in FILTERS[filter_].items()}
        for chosen in await reader.stages(**query, sort=sort):
            assert {"IXSCAN", "COUNT_SCAN"} & set(chosen), chosen
            assert "COLLSCAN" not in chosen

    @pytest.mark.parametrize("sort", [sign + key for key in KEYS[:3] for sign in ("", "-")])
    async def test_orders_of_time(self, reader: Reader, sort: str) -> None:
        """The orders by time, which calendars and lists show, are sorted by index alone."""
        for chosen in await reader.stages(sort=sort):
            assert "SORT" not in chosen

    @pytest.mark.parametrize("sort", ["title", "-title"])
    async def test_titles(self, database: Database, client: httpx.AsyncClient, crowd: Crowd, sort: str) -> None:
        """All interviews are sorted by title by index alone; a page looks again at what has its first title too."""
        reader = Reader(database, client, crowd, "admin")
        cursor = (await reader.list(sort=sort)).json()["next"].rpartition("cursor=")[2]
        for query in ({"sort": sort}, {"sort": sort, "cursor": cursor}):
            _, [find] = await profiled(database, INTERVIEWS, reader.list(**query, total="false"))
            assert find["docsExamined"] <= 22 + 3000 // 350 + 1
            [chosen] = await stages(database, find["command"])
            assert "SORT" not in chosen

    async def test_changed_since(self, reader: Reader) -> None:
        """What has changed since, in the order of the changes, is found and sorted by index alone, on each page."""
        query = {"updated_from": "2027-03-02T00:00:00Z", "sort": "updated_at"}
        first = await reader.list(**query)
        cursor = first.json()["next"].rpartition("cursor=")[2]
        for page in ({}, {"cursor": cursor}):
            for chosen in await reader.stages(**query, **page):
                assert "SORT" not in chosen


class TestWork:
    async def test_a_span_costs_its_day(self, reader: Reader) -> None:
        """Of what began before a span only that is examined which could run in it still: a day's interviews."""
        query = {"overlaps_from": "2027-03-20T00:00:00Z", "overlaps_to": "2027-03-20T08:00:00Z", "limit": "100"}
        answer, [entry] = await profiled(reader.database, INTERVIEWS, reader.list(**query))
        begun = timedelta(hours=24 + 8) / timedelta(hours=1000) * 3000
        assert 0 < answer.json()["total"] <= begun
        # Once for the page, and once to count.
        assert entry["docsExamined"] <= 2 * (begun + 3), entry["command"]

    async def test_a_page_costs_its_items(self, reader: Reader) -> None:
        """In the default order a page examines its own interviews and at most two more, at any offset."""
        first = await reader.list(total="false")
        for address in (str(first.request.url), first.json()["next"]):
            request = reader.client.get(address, headers=reader.account.headers)
            _, [find] = await profiled(reader.database, INTERVIEWS, request)
            assert 20 <= find["docsExamined"] <= 22

    async def test_every_operation(
        self, app: FastAPI, client: httpx.AsyncClient, crowd: Crowd, database: Database
    ) -> None:
        """No operation on one interview looks at any other, or reads it more often than the guard and once more.

        Whoever is added has their own interviews at that time looked up besides.

        A transition is decided on what the guard has read: a refusal needs nothing else.
        """
        interview = await create_interview(client, crowd.admin)
        address, person = address_of(interview), (await an_account(app)).id
        for method, rest, body, commands in (
            ("GET", "", None, 2),
            ("PATCH", "", {"title": "Other", "scheduled_at": "2027-03-09T08:00:00Z"}, 3),
            ("POST", "/participants", {"user_id": person}, 3 + 1),
            ("POST", "/participants", {"user_id": person}, 2),
            ("GET", "/participants", None, 2),
            ("PATCH", "/status", {"status": "ongoing"}, 3),
            ("PATCH", "/status", {"status": "ongoing"}, 1),
            ("DELETE", f"/participants/{person}", None, 3),
            ("DELETE", f"/participants/{person}", None, 2),
            ("GET", "/history", None, 2),
        ):
            request = client.request(method, address + rest, json=body, headers=crowd.admin.headers)
            _, entries = await profiled(database, INTERVIEWS, request)
            assert len(entries) == commands, (method, rest)
            shared = [entry for entry in entries if is_shared_read(entry["command"])]
            # The guard's: the caller's account, and what else proves an answer current.
            assert all(entry["docsExamined"] <= 3 for entry in shared), (method, rest)
            others = [entry for entry in entries if entry not in shared]
            examined = [entry.get("docsExamined", 0) for entry in others if "aggregate" not in entry["command"]]
            assert max(examined, default=0) <= 1, (method, rest)
            assert len(others) - len(examined) <= 1, (method, rest)


@pytest.mark.usefixtures("crowd")
async def test_the_checks_fire(database: Database) -> None:
    """The checks above notice a query that scans and one that sorts in memory."""
    careless = {"find": INTERVIEWS, "filter": {"location": "x"}, "sort": {"duration_minutes": 1}}
    [chosen] = await stages(database, careless)
    assert {"COLLSCAN", "SORT"} <= set(chosen)


class TestWords:
    @pytest.mark.parametrize("q", ["engineer", "engi", "4"])
    async def test_one_costs_its_page(
        self, database: Database, client: httpx.AsyncClient, crowd: Crowd, q: str
    ) -> None:
        """A word or its beginning is one range of the index, in the list's order; nothing is read to count it."""
        listed = client.get("/v1/interviews", params={"q": q, "limit": 5}, headers=crowd.admin.headers)
        answer, [entry] = await profiled(database, INTERVIEWS, listed)
        assert answer.json()["total"] > 5
        assert entry["docsExamined"] == 6
        assert entry["keysExamined"] <= answer.json()["total"] + 1 + 6

    async def test_several_cost_the_matches_of_one(
        self, database: Database, client: httpx.AsyncClient, crowd: Crowd
    ) -> None:
        """Of several words one is looked up, and what it finds is examined for the others."""
        listed = client.get("/v1/interviews", params={"q": "team 49"}, headers=crowd.admin.headers)
        _, [entry] = await profiled(database, INTERVIEWS, listed)
        # Once for the page, and once to count.
        assert entry["docsExamined"] <= 2 * 3000 // 50
