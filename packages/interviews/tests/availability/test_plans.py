"""What MongoDB looks at for conflicts and schedules, as its profiler sees it: 60,000 interviews at the full count."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from profiling import profiled

from parley_auth.testing import Account, an_account
from parley_core import Database, Document
from parley_core.testing import NOON
from parley_interviews.indexes import INTERVIEWS

NUMBER, PEOPLE = rounds(3000, full=60_000), 60
HOUR = timedelta(hours=1)
DAYS = NUMBER // 24


@dataclass(frozen=True, repr=False)
class Crowd:
    """Each hour an interview of two people, of which everybody has one in 30."""

    admin: Account
    people: list[str]
    ids: list[str]


def stored(number: int, people: list[str]) -> Document:
    begin = NOON + number * HOUR
    pair = people[number % PEOPLE], people[(number * 7 + 1) % PEOPLE]
    return {
        "_id": f"{number:024x}",
        "title": f"Engineer {number}",
        "status": "cancelled" if number % 10 == 9 else "scheduled",
        "scheduled_at": begin,
        "duration_minutes": 90,
        "ends_at": begin + 1.5 * HOUR,
        "participants": [{"user_id": person, "participant_role": "interviewer"} for person in dict.fromkeys(pair)],
        "rev": 1,
    }


@pytest.fixture(scope="module")
async def crowd(app: FastAPI) -> Crowd:
    admin = await an_account(app, "admin")
    people = [(await an_account(app, "interviewer")).id for _ in range(PEOPLE)]
    documents = [stored(number, people) for number in range(NUMBER)]
    for first in range(0, NUMBER, 1000):
        await app.state.parley.database[INTERVIEWS].insert_many(documents[first : first + 1000])
    return Crowd(admin, people, [document["_id"] for document in documents])


async def answered(database: Database, request: Awaitable[httpx.Response]) -> tuple[Any, list[Document]]:
    """Return what a request answers, and its queries of interviews."""
    answer, commands = await profiled(database, INTERVIEWS, request)
    assert answer.status_code == 200, answer.text
    return answer.json(), [entry for entry in commands if "find" in entry["command"]]


def scans(commands: Iterable[Document]) -> list[str]:
    return [str(command["planSummary"]).partition(" ")[0] for command in commands]


class TestSchedule:
    @pytest.mark.parametrize("number", [1, 50])
    async def test_costs_its_span(
        self, database: Database, client: httpx.AsyncClient, crowd: Crowd, number: int
    ) -> None:
        """One query along an index reads the interviews of these people in the span and the day before, no others."""
        begin = NOON + DAYS // 2 * 24 * HOUR
        span = {"from": begin.isoformat(), "to": (begin + 62 * 24 * HOUR).isoformat()}
        people = crowd.people[:number]
        request = client.get("/v1/schedule", params={**span, "user_id": people}, headers=crowd.admin.headers)
        answer, commands = await answered(database, request)
        assert [item["user_id"] for item in answer["items"]] == people
        assert all(item["busy"] for item in answer["items"])
        [find] = commands
        assert scans([find]) == ["IXSCAN"]
        assert find["docsExamined"] <= min(number * 2, PEOPLE) / PEOPLE * 63 * 24 + number

    async def test_nothing_else(self, database: Database, client: httpx.AsyncClient, crowd: Crowd) -> None:
        """Outside of all interviews none is looked at."""
        span = {"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z", "user_id": crowd.people[0]}
        request = client.get("/v1/schedule", params=span, headers=crowd.admin.headers)
        answer, [find] = await answered(database, request)
        assert (answer["items"][0]["busy"], find["docsExamined"]) == ([], 0)


class TestConflicts:
    async def test_cost_their_day(self, database: Database, client: httpx.AsyncClient, crowd: Crowd) -> None:
        """Besides the guard a point read of the interview, the overlaps by index, and what is shown of them by id."""
        overlapping = [n for n in range(100, NUMBER) if has_a_conflict(n)]
        for number in (overlapping[0], overlapping[len(overlapping) // 2]):
            address = f"/v1/interviews/{crowd.ids[number]}/conflicts"
            answer, commands = await answered(database, client.get(address, headers=crowd.admin.headers))
            assert answer["total"] > 0
            assert scans(commands) == ["IXSCAN"] * 3
            assert sum(command["docsExamined"] for command in commands) <= 24 + answer["total"] + 4


def has_a_conflict(number: int) -> bool:
    """Return whether the interview of the next hour, which begins before this one ends, has one of its people."""
    hours = [stored(one, [f"{index}" for index in range(PEOPLE)]) for one in (number, number + 1)]
    one, other = ({person["user_id"] for person in hour["participants"]} for hour in hours)
    return bool(one & other) and all(hour["status"] == "scheduled" for hour in hours)
