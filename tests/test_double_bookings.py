"""Nobody is booked twice by requests that refuse overlaps, on whichever workers they meet."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_app import create_app
from parley_auth.testing import Account, an_account, auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.policy import MAX_PARTICIPANTS
from parley_interviews.scheduling.repository import ScheduleRepository
from parley_interviews.testing import address_of, create_interview

pytestmark = pytest.mark.attack
WORKERS, AT_ONCE = 3, 4
NINE, TEN, ELEVEN = [f"2027-03-05T{hour}:00:00Z" for hour in ("09", "10", "11")]
REFUSE = {"on_conflict": "refuse"}


@pytest.fixture
async def client(app: FastAPI, core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of three workers, whose requests go to them in turn."""
    others = [create_app([core_settings, auth_settings()]) for _ in range(WORKERS - 1)]
    async with running_client(app, *others) as client:
        yield client


async def booked_at_once(
    app: FastAPI, client: httpx.AsyncClient, admin: Account, interviews: Iterable[dict[str, Any]]
) -> Counter[int]:
    """The statuses of adding one new person to all of these interviews at once."""
    body = {"user_id": (await an_account(app)).id, **REFUSE}
    answers = await asyncio.gather(
        *(client.post(f"{address_of(i)}/participants", json=body, headers=admin.headers) for i in interviews)
    )
    assert {a.json()["code"] for a in answers if a.is_error} <= {"schedule_conflict"}
    return Counter(answer.status_code for answer in answers)


async def overlapping(client: httpx.AsyncClient, admin: Account) -> Sequence[dict[str, Any]]:
    """Interviews that overlap, each in which nobody takes part."""
    return [await create_interview(client, admin, scheduled_at=NINE) for _ in range(AT_ONCE)]


class TestTogether:
    async def test_added(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Of concurrent additions of one person to overlapping interviews exactly one is accepted, in each round."""
        interviews = await overlapping(client, admin)
        for number in range(1, 1 + rounds(10, full=200)):
            if number % MAX_PARTICIPANTS == 0:
                interviews = await overlapping(client, admin)
            assert await booked_at_once(app, client, admin, interviews) == {201: 1, 400: AT_ONCE - 1}

    async def test_moved_towards_each_other(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Of two interviews of one person that are moved to one time, one stays where it is, in each round."""
        person = await an_account(app)
        both = [await create_interview(client, admin, person, scheduled_at=at) for at in (NINE, ELEVEN)]

        async def move(interview: dict[str, Any], **fields: Any) -> int:
            return (await client.patch(address_of(interview), json=fields, headers=admin.headers)).status_code

        for _ in range(rounds(10, full=200)):
            met = await asyncio.gather(*(move(interview, scheduled_at=TEN, **REFUSE) for interview in both))
            assert sorted(met) == [200, 400]
            for interview, at in zip(both, (NINE, ELEVEN), strict=True):
                assert await move(interview, scheduled_at=at) == 200

    async def test_moved_and_added(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Somebody who is added while the interview is moved onto another one of theirs is not booked twice."""
        for _ in range(rounds(5, full=100)):
            person = await an_account(app)
            await create_interview(client, admin, person, scheduled_at=TEN)
            moved = await create_interview(client, admin, scheduled_at=NINE)
            address = address_of(moved)
            answers = await asyncio.gather(
                client.patch(address, json={"scheduled_at": TEN, **REFUSE}, headers=admin.headers),
                client.post(f"{address}/participants", json={"user_id": person.id, **REFUSE}, headers=admin.headers),
            )
            assert sorted(answer.status_code // 100 for answer in answers) == [2, 4]


async def test_without_the_touch_people_are_booked_twice(
    app: FastAPI, client: httpx.AsyncClient, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rounds above would notice: transactions that don't meet on an agenda don't see each other's interview."""

    async def no_touch(*_args: object) -> None:
        """Touches nothing."""

    monkeypatch.setattr(ScheduleRepository, "touch", no_touch)
    interviews = await overlapping(client, admin)
    for _ in range(100):
        if (await booked_at_once(app, client, admin, interviews))[201] > 1:
            return
    pytest.fail("nobody was booked twice")
