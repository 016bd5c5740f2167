"""What calendars read of interviews: one participant's, nearest first, without what is internal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_core import Database, new_id
from parley_core.testing import NOON
from parley_interviews.appointments import Appointment, AppointmentReader
from parley_interviews.indexes import INTERVIEWS, PARTICIPANT_SCHEDULE
from parley_interviews.testing import bring_to, create_interview

if TYPE_CHECKING:
    from conftest import People

HOUR = timedelta(hours=1)


@pytest.fixture
def reader(app: FastAPI) -> AppointmentReader:
    found: AppointmentReader = app.state.parley.require(AppointmentReader)
    return found


async def around(reader: AppointmentReader, user_id: str, **changes: Any) -> Sequence[Appointment]:
    """What the reader finds within ten hours of noon, cancelled ones of the last five included."""
    wanted: dict[str, Any] = {"begin": NOON - 10 * HOUR, "end": NOON + 10 * HOUR, "limit": 100}
    return await reader.around(user_id, NOON, cancelled_since=NOON - 5 * HOUR, **wanted | changes)


async def scheduled(client: httpx.AsyncClient, people: People, *hours: int) -> list[str]:
    """Create interviews at these hours from noon, and return their ids."""
    instants = [(NOON + hour * HOUR).isoformat() for hour in hours]
    return [
        (await create_interview(client, people.admin, people.interviewer, scheduled_at=instant))["id"]
        for instant in instants
    ]


async def test_what_is_internal_is_not_read(
    client: httpx.AsyncClient, people: People, reader: AppointmentReader
) -> None:
    """An appointment has what every participant may read of the interview, and neither notes nor people."""
    created = await create_interview(client, people.admin, people.interviewer, notes="secret", location="Room 4")
    appointment = await reader.get(created["id"])
    assert appointment is not None
    assert "secret" not in repr(appointment)
    assert not {"notes", "participants", "created_by"} & {field.name for field in fields(appointment)}
    assert (appointment.title, appointment.location) == (created["title"], "Room 4")
    assert await reader.get(new_id()) is None


async def test_window_is_half_open(client: httpx.AsyncClient, people: People, reader: AppointmentReader) -> None:
    """What begins at the first instant is in it, what begins at the end isn't; the order is that of the begins."""
    ids = await scheduled(client, people, 10, 9, 0, -1, -10, -11)
    assert [one.id for one in await around(reader, people.interviewer.id)] == [ids[n] for n in (4, 3, 2, 1)]
    assert await around(reader, people.candidate.id) == []


@pytest.mark.parametrize(("limit", "expected"), [(1, [0]), (2, [0, 2]), (3, [-1, 0, 2]), (4, [-3, -1, 0, 2])])
async def test_the_oldest_are_left_out_first(
    client: httpx.AsyncClient, people: People, reader: AppointmentReader, limit: int, expected: list[int]
) -> None:
    """Where there are too many, those to come are kept, the nearest first, then the latest of the past."""
    ids = dict(zip((-3, -1, 0, 2), await scheduled(client, people, -3, -1, 0, 2), strict=True))
    found = await around(reader, people.interviewer.id, limit=limit)
    assert [one.id for one in found] == [ids[hour] for hour in expected]


async def test_cancelled_ones_stay_for_a_time(
    client: httpx.AsyncClient, people: People, reader: AppointmentReader, database: Database
) -> None:
    """A cancelled interview is left out once its cancellation is too long ago; another one never."""
    kept, gone, old = await scheduled(client, people, 1, 2, 3)
    for interview_id in (kept, gone):
        await bring_to(client, people.admin, interview_id, "cancelled")
    instants: dict[str, datetime] = {kept: NOON - 5 * HOUR, gone: NOON - 6 * HOUR, old: NOON - 9 * HOUR}
    for interview_id, instant in instants.items():
        await database[INTERVIEWS].update_one({"_id": interview_id}, {"$set": {"updated_at": instant}})
    found = await around(reader, people.interviewer.id)
    assert [(one.id, one.is_cancelled) for one in found] == [(kept, True), (old, False)]


async def test_it_reads_along_the_index(
    client: httpx.AsyncClient, people: People, reader: AppointmentReader, database: Database
) -> None:
    """Both queries walk one participant's interviews in order: nothing is sorted, and no other document is read."""
    await scheduled(client, people, -2, -1, 1, 2, 50)
    await database["system.profile"].drop()
    await database.command("profile", 2)
    try:
        assert len(await around(reader, people.interviewer.id)) == 4
    finally:
        await database.command("profile", 0)
    queries = await database["system.profile"].find({"command.hint": PARTICIPANT_SCHEDULE}).to_list()
    assert [query["docsExamined"] for query in queries] == [2, 2]
    for query in queries:
        assert "hasSortStage" not in query
        assert query["planSummary"].startswith("IXSCAN { participants.user_id: 1, scheduled_at: 1")
