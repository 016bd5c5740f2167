"""When people are busy: which stored interviews count in a span, and how MongoDB finds them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from parley_core import Database, new_id
from parley_core.testing import NOON
from parley_interviews.indexes import AGENDAS, INTERVIEWS
from parley_interviews.scheduling.overlaps import Busy
from parley_interviews.scheduling.repository import ScheduleRepository

HOUR = timedelta(hours=1)
BEGIN, END = NOON, NOON + HOUR


@pytest.fixture
def schedule(app: FastAPI) -> ScheduleRepository:
    return app.state.parley.require(ScheduleRepository)  # type: ignore[no-any-return]


async def stored(database: Database, *user_ids: str, **fields: Any) -> str:
    """The id of a stored interview, by default one from BEGIN to END; a field that is None is missing."""
    document = {
        "_id": new_id(),
        "status": "scheduled",
        "scheduled_at": BEGIN,
        "duration_minutes": 60,
        "ends_at": END,
        "participants": [{"user_id": user_id} for user_id in user_ids],
        "rev": 1,
        **fields,
    }
    await database[INTERVIEWS].insert_one({name: value for name, value in document.items() if value is not None})
    return str(document["_id"])


def lasting(begin: timedelta, minutes: int) -> dict[str, Any]:
    """The schedule of an interview that begins so long after BEGIN."""
    at = BEGIN + begin
    return {"scheduled_at": at, "duration_minutes": minutes, "ends_at": at + timedelta(minutes=minutes)}


INSTANT = timedelta(milliseconds=1)
# What a stored interview has that isn't the usual one -> whether it counts from BEGIN until END.
SPANS: Mapping[str, tuple[dict[str, Any], bool]] = {
    "the same": ({}, True),
    "within": (lasting(HOUR / 4, 30), True),
    "around": (lasting(-HOUR, 180), True),
    "begins before": (lasting(-HOUR / 2, 60), True),
    "ends after": (lasting(HOUR / 2, 60), True),
    "ends when it begins": (lasting(-HOUR, 60), False),
    "begins when it ends": (lasting(HOUR, 60), False),
    "overlaps its first instant": (lasting(-HOUR + INSTANT, 60), True),
    "overlaps its last instant": (lasting(HOUR - INSTANT, 60), True),
    "the longest, until its first instant": (lasting(-24 * HOUR + INSTANT, 1440), True),
    "the longest, until before it": (lasting(-24 * HOUR, 1440), False),
    "the day before": (lasting(-24 * HOUR, 60), False),
    "ongoing": ({"status": "ongoing"}, True),
    "completed": ({"status": "completed"}, False),
    "cancelled": ({"status": "cancelled"}, False),
    "without a stored end": ({"ends_at": None}, True),
    "without a stored end, over": ({**lasting(-2 * HOUR, 60), "ends_at": None}, False),
    "without a stored duration": ({"ends_at": None, "duration_minutes": None}, True),
    "without participants": ({"participants": []}, False),
    "without stored participants": ({"participants": None}, False),
    "without a stored begin": ({"scheduled_at": None, "ends_at": None}, False),
}


class TestSpans:
    @pytest.mark.parametrize("name", SPANS)
    async def test_table(self, database: Database, schedule: ScheduleRepository, name: str) -> None:
        """Half-open spans of open interviews count, whatever fields an older release has left out."""
        user_id, (fields, counts) = new_id(), SPANS[name]
        interview_id = await stored(database, user_id, **fields)
        found = await schedule.overlapping([user_id], BEGIN, END)
        assert [busy.interview_id for busy in found] == ([interview_id] if counts else [])


class TestPeople:
    async def test_each_of_them(self, database: Database, schedule: ScheduleRepository) -> None:
        """Somebody's interview stands once for each of the people, in the order of the begin; others' ids don't."""
        one, other, stranger = sorted(new_id() for _ in range(3))
        late = await stored(database, one, **lasting(HOUR / 2, 60))
        both = await stored(database, stranger, other, one)
        found = await schedule.overlapping([other, one, one], BEGIN, END)
        assert found == [
            Busy(one, both, BEGIN, END),
            Busy(other, both, BEGIN, END),
            Busy(one, late, BEGIN + HOUR / 2, END + HOUR / 2),
        ]

    async def test_one_excluded(self, database: Database, schedule: ScheduleRepository) -> None:
        """An interview doesn't overlap itself."""
        user_id = new_id()
        moved, other = await stored(database, user_id), await stored(database, user_id)
        found = await schedule.overlapping([user_id], BEGIN, END, excluding=moved)
        assert [busy.interview_id for busy in found] == [other]

    async def test_a_limit(self, database: Database, schedule: ScheduleRepository) -> None:
        """No more interviews are read than asked for."""
        user_id = new_id()
        for _ in range(3):
            await stored(database, user_id)
        assert len(await schedule.overlapping([user_id], BEGIN, END, limit=2)) == 2
        assert len(await schedule.overlapping([user_id], BEGIN, END)) == 3


class TestAgendas:
    async def test_outside_a_transaction(self, schedule: ScheduleRepository, database: Database) -> None:
        """A touch that would exclude nothing raises, and is not written."""
        user_id = new_id()
        async with database.client.start_session() as session:
            for outside in (None, session):
                with pytest.raises(TypeError, match="in the transaction"):
                    await schedule.touch([user_id], outside)
        assert await database[AGENDAS].count_documents({"_id": f"agenda:{user_id}"}) == 0


class TestPlan:
    async def test_by_index(self, database: Database, schedule: ScheduleRepository) -> None:
        """Of people's interviews only those of the span, and of the day before it, are looked at: 12 of 600."""
        people = [new_id() for _ in range(3)]
        interviews = [
            {
                "_id": new_id(),
                "status": "scheduled",
                **lasting(n * 12 * HOUR, 60),
                "participants": [{"user_id": person}],
                "rev": 1,
            }
            for n in range(200)
            for person in people
        ]
        await database[INTERVIEWS].insert_many(interviews)
        await database.command("profile", 2)
        found = await schedule.overlapping(people, BEGIN + 600 * HOUR, BEGIN + 613 * HOUR)
        await database.command("profile", 0)
        namespace = f"{database.name}.{INTERVIEWS}"
        [find] = (
            await database["system.profile"].find({"ns": namespace, "command.filter.ends_at": {"$ne": None}}).to_list()
        )
        assert len(found) == 6
        assert find["planSummary"] == "IXSCAN { participants.user_id: 1, scheduled_at: 1, _id: 1 }"
        assert find["docsExamined"] <= 12
