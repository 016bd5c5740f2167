"""When people are busy: which stored interviews count in a span, and how MongoDB finds them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI

from parley_core import Database, new_id
from parley_core.testing import NOON
from parley_interviews.indexes import AGENDAS, INTERVIEWS
from parley_interviews.scheduling.overlap_reads import OverlapReads
from parley_interviews.scheduling.overlaps import Busy
from parley_interviews.scheduling.repository import ScheduleRepository, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parley_core.testing.metrics import Metrics

HOUR = timedelta(hours=1)
BEGIN, END = NOON, NOON + HOUR


@pytest.fixture
def schedule(app: FastAPI) -> ScheduleRepository:
    return app.state.parley.require(ScheduleRepository)  # type: ignore[no-any-return]


@pytest.fixture
def reads(app: FastAPI) -> OverlapReads:
    return app.state.parley.require(OverlapReads)  # type: ignore[no-any-return]


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


def a_span(user_id: str, begin: timedelta, end: timedelta, **options: Any) -> Span:
    return Span(frozenset({user_id}), BEGIN + begin, BEGIN + end, **options)


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

    async def test_for_several(self, database: Database, schedule: ScheduleRepository) -> None:
        """A query for several people at different times looks in the same index at what each of them would."""
        people = [new_id() for _ in range(3)]
        interviews = [
            {"_id": new_id(), "status": "scheduled", **lasting(n * 12 * HOUR, 60), "participants": [{"user_id": p}]}
            for n in range(200)
            for p in people
        ]
        await database[INTERVIEWS].insert_many([one | {"rev": 1} for one in interviews])
        spans = [a_span(person, 600 * n * HOUR, 613 * n * HOUR) for n, person in enumerate(people, 1)]
        await database.command("profile", 2)
        found = await schedule.overlapping_each(spans, limit=1000)
        await database.command("profile", 0)
        assert found == [await schedule.overlapping(s.user_ids, s.begin, s.end) for s in spans]
        [find] = await database["system.profile"].find({"command.filter.$or": {"$ne": None}}).to_list()
        assert set(find["planSummary"].split(", IXSCAN ")) == {
            "IXSCAN { participants.user_id: 1, scheduled_at: 1, _id: 1 }",
            "{ participants.user_id: 1, scheduled_at: 1, _id: 1 }",
        }
        assert find["docsExamined"] <= sum(map(len, found or ())) + 3 * 3


class TestTogether:
    async def test_each_its_own(
        self, database: Database, reads: OverlapReads, schedule: ScheduleRepository, metrics: Metrics
    ) -> None:
        """Those who ask at once share a query, and each is told what the query of their own would have found."""
        one, other = new_id(), new_id()
        times = [0 * HOUR, 1 * HOUR, 30 * HOUR]
        ids = [await stored(database, one, other, **lasting(begin, 60)) for begin in times]
        spans = [
            a_span(one, 0 * HOUR, 1 * HOUR),
            a_span(one, 0 * HOUR, 2 * HOUR, excluding=ids[0]),
            a_span(other, 0 * HOUR, 40 * HOUR),
            a_span(new_id(), 0 * HOUR, 40 * HOUR),
            Span(frozenset({one, other}), BEGIN + 29 * HOUR, BEGIN + 31 * HOUR),
        ]
        found = await asyncio.gather(*map(reads.find, spans))
        assert found == [await schedule.overlapping(s.user_ids, s.begin, s.end, excluding=s.excluding) for s in spans]
        assert [len(busy) for busy in found] == [1, 1, 3, 0, 2]
        assert metrics.value("parley.overlaps.batch.size") == 1

    async def test_too_many_to_share(self, database: Database, schedule: ScheduleRepository) -> None:
        """Where together there are more interviews than one of them may read, each reads its own."""
        busy_one, free = new_id(), new_id()
        for _ in range(5):
            await stored(database, busy_one)
        reads = OverlapReads(schedule, most=4, timeout_seconds=5)
        found = await asyncio.gather(*(reads.find(a_span(p, 0 * HOUR, 1 * HOUR)) for p in (busy_one, free)))
        assert [len(busy) for busy in found] == [4, 0]
