"""When people are busy: whose schedule somebody may read, which interviews count, and which span."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, IssuedKey, an_account, an_api_key
from parley_core import new_id
from parley_core.testing import MovableClock
from parley_interviews.testing import address_of, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import People

MARCH = {"from": "2027-03-01T00:00:00Z", "to": "2027-04-01T00:00:00Z"}


def at(time: str, day: int = 5) -> str:
    return f"2027-03-{day:02}T{time}:00Z"


async def read(client: httpx.AsyncClient, viewer: Account | IssuedKey, *of: str, **query: str) -> httpx.Response:
    given = {**(query or MARCH), "user_id": list(of)}
    return await client.get("/v1/schedule", params=given, headers=viewer.headers)


async def busy(client: httpx.AsyncClient, viewer: Account, *of: str, **query: str) -> list[list[tuple[str, str]]]:
    """Return the busy times of each user, in the order in which they are answered."""
    answer = await read(client, viewer, *of, **query)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [item["user_id"] for item in items] == (list(of) or [viewer.id])
    return [[(one["starts_at"], one["ends_at"]) for one in item["busy"]] for item in items]


async def book(client: httpx.AsyncClient, people: People, time: str, *who: Account, **changes: Any) -> dict[str, Any]:
    return await create_interview(client, people.admin, *who, scheduled_at=time, **changes)


class TestWhoseSchedule:
    async def test_ones_own(self, client: httpx.AsyncClient, people: People) -> None:
        """Everybody reads their own, as whatever they take part, named or not."""
        await book(client, people, at("09:00"), people.candidate, people.interviewer)
        for caller in (people.candidate, people.interviewer):
            for named in ((), (caller.id,)):
                assert await busy(client, caller, *named) == [[(at("09:00"), at("10:00"))]]

    async def test_candidate_elsewhere(self, client: httpx.AsyncClient, people: People) -> None:
        """An employee's own application is in their schedule, as time alone."""
        named = [{"user_id": people.interviewer.id, "participant_role": "candidate"}]
        body = {"title": "Promotion", "interview_type": "panel", "scheduled_at": at("09:00"), "participants": named}
        created = await client.post("/v1/interviews", json=body, headers=people.admin.headers)
        assert created.status_code == 201
        answer = await read(client, people.admin, people.interviewer.id)
        assert "Promotion" not in answer.text
        assert created.json()["id"] not in answer.text
        assert len(answer.json()["items"][0]["busy"]) == 1

    async def test_others(self, client: httpx.AsyncClient, people: People) -> None:
        """Nobody but an administrator reads others', alone or with their own, known or not: one and the same 403."""
        await book(client, people, at("09:00"), people.candidate, people.interviewer)
        for caller in (people.candidate, people.interviewer):
            for named in ([people.admin.id], [new_id()], [caller.id, people.admin.id], [people.admin.id, caller.id]):
                answer = await read(client, caller, *named)
                assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), named
        assert await busy(client, people.admin, people.candidate.id) == [[(at("09:00"), at("10:00"))]]

    async def test_several(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Each person has their own times, in the order asked for and once, however often they are named."""
        await book(client, people, at("09:00"), people.candidate, people.interviewer)
        await book(client, people, at("12:00"), people.candidate)
        inactive = await an_account(app, active=False)
        named = (people.interviewer.id, people.candidate.id, inactive.id)
        first = (at("09:00"), at("10:00"))
        expected = [[first], [first, (at("12:00"), at("13:00"))], []]
        assert await busy(client, people.admin, *named) == expected
        twice = await read(client, people.admin, *named, *named)
        assert twice.json() == (await read(client, people.admin, *named)).json()

    async def test_unknown(self, client: httpx.AsyncClient, people: People) -> None:
        """Nobody's id is no free person: 404, and the answer says which one it is."""
        answer = await read(client, people.admin, people.candidate.id, new_id(), people.admin.id, new_id())
        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["?user_id.1", "?user_id.3"]

    async def test_fifty(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Up to 50 people are asked for at once."""
        account = await an_account(app)
        assert (await read(client, people.admin, *[account.id] * 50)).status_code == 200
        answer = await read(client, people.admin, *[account.id] * 51)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "?user_id")

    @pytest.mark.parametrize("value", ["x", "", "$ne", "[$ne]", "A" * 24])
    async def test_malformed(self, client: httpx.AsyncClient, people: People, value: str) -> None:
        """What is no id is refused, and the answer says which one it is."""
        answer = await read(client, people.admin, people.candidate.id, value)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == "?user_id.1"

    async def test_keys(self, client: httpx.AsyncClient, people: People) -> None:
        """A key with `schedule:read` reads what its creator may read, and no other key does."""
        await book(client, people, at("09:00"), people.candidate)
        key = await an_api_key(client, people.admin, "schedule:read")
        answer = await read(client, key, people.candidate.id)
        assert len(answer.json()["items"][0]["busy"]) == 1
        other = await an_api_key(client, people.admin, "interviews:read", "interviews:list")
        assert (await read(client, other)).status_code == 403
        body = {"name": "A script", "actions": ["schedule:read_own"]}
        assert (await client.post("/v1/api-keys", json=body, headers=people.admin.headers)).status_code == 400


class TestWhatCounts:
    @pytest.mark.parametrize("status", ["scheduled", "ongoing", "completed", "cancelled"])
    async def test_states(self, client: httpx.AsyncClient, people: People, status: str) -> None:
        """Scheduled and ongoing interviews make busy, completed and cancelled ones don't."""
        interview = await book(client, people, at("09:00"), people.candidate)
        await bring_to(client, people.admin, interview["id"], status)
        expected = [(at("09:00"), at("10:00"))] if status in {"scheduled", "ongoing"} else []
        assert await busy(client, people.candidate) == [expected]

    async def test_merged(self, client: httpx.AsyncClient, people: People) -> None:
        """Times that overlap or touch are one, in whatever order the interviews were created."""
        for time in ("11:00", "09:00", "09:30", "10:30", "13:00"):
            await book(client, people, at(time), people.candidate, people.interviewer)
        expected = [(at("09:00"), at("12:00")), (at("13:00"), at("14:00"))]
        assert await busy(client, people.admin, people.candidate.id, people.interviewer.id) == [expected] * 2

    async def test_follows_changes(self, client: httpx.AsyncClient, people: People) -> None:
        """The next answer shows a move and a removal."""
        interview = await book(client, people, at("09:00"), people.candidate)
        moved = {"scheduled_at": at("12:00"), "duration_minutes": 30}
        await client.patch(address_of(interview), json=moved, headers=people.admin.headers)
        assert await busy(client, people.candidate) == [[(at("12:00"), at("12:30"))]]
        seat = f"{address_of(interview)}/participants/{people.candidate.id}"
        assert (await client.delete(seat, headers=people.admin.headers)).status_code == 204
        assert await busy(client, people.candidate) == [[]]


class TestSpan:
    async def test_half_open(self, client: httpx.AsyncClient, people: People) -> None:
        """What ends when the span begins, or begins when it ends, is outside; what runs over an end is cut there."""
        for time in ("08:00", "10:00", "12:00"):
            await book(client, people, at(time), people.candidate)
        between = {"from": at("09:00"), "to": at("12:00")}
        assert await busy(client, people.candidate, **between) == [[(at("10:00"), at("11:00"))]]
        within = {"from": at("10:15"), "to": at("10:45")}
        assert await busy(client, people.candidate, **within) == [[(at("10:15"), at("10:45"))]]

    async def test_neighbours_add_up(self, client: httpx.AsyncClient, people: People) -> None:
        """Spans side by side give what the whole one gives: no time is missed or there twice."""
        await book(client, people, at("20:00"), people.candidate, duration_minutes=1440)
        days = [{"from": at("00:00", day), "to": at("00:00", day + 1)} for day in range(4, 8)]
        found = [one for day in days for one in (await busy(client, people.candidate, **day))[0]]
        assert found == [(at("20:00"), at("00:00", 6)), (at("00:00", 6), at("20:00", 6))]
        assert await busy(client, people.candidate) == [[(at("20:00"), at("20:00", 6))]]

    async def test_left_out(self, client: httpx.AsyncClient, people: People, clock: MovableClock) -> None:
        """Without a span it is the next seven days; without its end seven days from its begin."""
        now = clock()
        answer = await client.get("/v1/schedule", headers=people.candidate.headers)
        assert (answer.json()["from"], answer.json()["to"]) == (written(now), written(now + timedelta(days=7)))
        answer = await read(client, people.candidate, **{"from": at("00:00", 1)})
        assert (answer.json()["from"], answer.json()["to"]) == (at("00:00", 1), at("00:00", 8))

    async def test_longest(self, client: httpx.AsyncClient, people: People) -> None:
        """A span has at most 62 days and isn't empty; the answer says what is wrong with it."""
        begin = "2027-03-01T00:00:00Z"
        for end, status in (
            ("2027-05-02T00:00:00Z", 200),
            ("2027-05-02T00:00:00.001Z", 400),
            ("2027-03-01T00:00:00.001Z", 200),
            (begin, 400),
            ("2027-02-28T00:00:00Z", 400),
        ):
            answer = await read(client, people.candidate, **{"from": begin, "to": end})
            assert answer.status_code == status, end
            if status == 400:
                [error] = answer.json()["errors"]
                assert (answer.json()["code"], error["pointer"], error["code"]) == ("validation_error", "?to", "span")

    @pytest.mark.parametrize("name", ["from", "to"])
    @pytest.mark.parametrize("value", ["2027-03-05", "2027-03-05T09:00:00", "1999-12-31T00:00:00Z", "now", ""])
    async def test_malformed(self, client: httpx.AsyncClient, people: People, name: str, value: str) -> None:
        """An end is an instant with an offset, as everywhere."""
        answer = await read(client, people.candidate, **{**MARCH, name: value})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"?{name}")

    async def test_offsets(self, client: httpx.AsyncClient, people: People) -> None:
        """Any offset will do, and all is answered in UTC."""
        await book(client, people, at("09:00"), people.candidate)
        query = {"from": "2027-03-05T11:30:00+02:00", "to": "2027-03-05T04:45:00-05:00"}
        assert await busy(client, people.candidate, **query) == [[(at("09:30"), at("09:45"))]]

    @pytest.mark.parametrize("query", ["since=x", "limit=10", "from=x&from=y", "status=ongoing"])
    async def test_other_parameters(self, client: httpx.AsyncClient, people: People, query: str) -> None:
        """Unknown and repeated parameters are refused."""
        answer = await client.get(f"/v1/schedule?{query}", headers=people.candidate.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def written(instant: Any) -> str:
    return str(instant.strftime("%Y-%m-%dT%H:%M:%SZ"))
