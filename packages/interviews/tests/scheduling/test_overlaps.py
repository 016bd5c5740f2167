"""Overlaps over HTTP: where they are allowed they are counted and kept, where they are refused nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core import Database
from parley_interviews.indexes import AGENDAS, INTERVIEWS
from parley_interviews.models import OnConflict
from parley_interviews.scheduling.overlaps import MOST_RECORDED
from parley_interviews.settings import InterviewSettings
from parley_interviews.testing import address_of, an_interview, bring_to

if TYPE_CHECKING:
    from conftest import Deployment, People

COUNT = "Parley-Conflicts"
NINE, HALF_PAST, TEN = [f"2027-03-05T{time}:00Z" for time in ("09:00", "09:30", "10:00")]
Interview = dict[str, Any]


class Desk:
    """An administrator's requests, by default about somebody who is busy from nine to ten."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, admin: Account, busy: Account) -> None:
        self.app, self.client, self.admin, self.busy = app, client, admin, busy
        self.first: Interview = {}

    async def another(self) -> Account:
        """Another interviewer."""
        return await an_account(self.app, "interviewer")

    async def create(self, at: str, *people: Account, **fields: Any) -> httpx.Response:
        named = [{"user_id": person.id} for person in people or (self.busy,)]
        body = an_interview(scheduled_at=at, participants=named, **fields)
        return await self.client.post("/v1/interviews", json=body, headers=self.admin.headers)

    async def move(self, interview: Interview, **fields: Any) -> httpx.Response:
        return await self.client.patch(address_of(interview), json=fields, headers=self.admin.headers)

    async def add(self, interview: Interview, person: Account, **fields: Any) -> httpx.Response:
        address, body = f"{address_of(interview)}/participants", {"user_id": person.id, **fields}
        return await self.client.post(address, json=body, headers=self.admin.headers)

    async def last_entry(self, interview: Interview, reader: Account | None = None) -> dict[str, Any]:
        """What the history has last."""
        address, headers = f"{address_of(interview)}/history", (reader or self.admin).headers
        return dict((await self.client.get(address, headers=headers)).json()["items"][-1])

    async def kept(self, interview: Interview) -> Sequence[Mapping[str, str]] | None:
        """The overlaps that the last entry of the history has; None where it has none."""
        change = (await self.last_entry(interview))["changes"].get("conflicts")
        if change is None:
            return None
        assert change["from"] is None
        return list(change["to"])

    def overlap(self, with_: Interview, person: Account | None = None) -> dict[str, str]:
        return {"user_id": (person or self.busy).id, "interview_id": with_["id"]}


@pytest.fixture
async def desk(app: FastAPI, client: httpx.AsyncClient, people: People) -> Desk:
    desk = Desk(app, client, people.admin, await an_account(app, "interviewer"))
    desk.first = (await desk.create(NINE)).json()
    return desk


def refused(answer: httpx.Response) -> list[tuple[str, str]]:
    """The pointers and messages of a refusal."""
    assert (answer.status_code, answer.json()["code"]) == (400, "schedule_conflict"), answer.text
    assert COUNT not in answer.headers
    assert {entry["code"] for entry in answer.json()["errors"]} == {"schedule_conflict"}
    return [(entry["pointer"], entry["message"]) for entry in answer.json()["errors"]]


class TestAllowed:
    """By default."""

    async def test_created(self, desk: Desk) -> None:
        """An overlap is counted in a header, and the history of the new interview names it."""
        second = await desk.create(HALF_PAST)
        assert (second.status_code, second.headers[COUNT]) == (201, "1")
        assert await desk.kept(second.json()) == [desk.overlap(desk.first)]
        assert second.json()["rev"] == 1
        third = await desk.create(HALF_PAST, on_conflict="allow")
        assert third.headers[COUNT] == "2"
        assert await desk.kept(third.json()) == [desk.overlap(desk.first), desk.overlap(second.json())]

    async def test_none(self, desk: Desk) -> None:
        """Without an overlap there is neither header nor entry: spans are half-open."""
        for at, minutes in ((TEN, 60), ("2027-03-05T08:00:00Z", 60)):
            answer = await desk.create(at, duration_minutes=minutes)
            assert answer.status_code == 201
            assert COUNT not in answer.headers
            assert await desk.kept(answer.json()) is None

    async def test_rescheduled(self, desk: Desk) -> None:
        """Another time, duration or zone counts what the interview overlaps then, not itself; a title doesn't."""
        later = (await desk.create(TEN)).json()
        for fields in (
            {"scheduled_at": HALF_PAST},
            {"time_zone": "Europe/Berlin"},
            {"duration_minutes": 15, "title": "Short"},
        ):
            moved = await desk.move(later, **fields)
            assert (moved.status_code, moved.headers[COUNT]) == (200, "1"), fields
            assert await desk.kept(later) == [desk.overlap(desk.first)]
        for fields in ({"title": "Other", "scheduled_at": HALF_PAST}, {"scheduled_at": TEN}):
            moved = await desk.move(later, **fields)
            assert (moved.status_code, COUNT in moved.headers) == (200, False), fields
            assert await desk.kept(later) is None

    async def test_added(self, desk: Desk) -> None:
        """Whoever is added is counted with their other interviews alone, not with those of who is there already."""
        other = (await desk.create(HALF_PAST)).json()
        third = (await desk.create(HALF_PAST, desk.admin)).json()
        added = await desk.add(third, desk.busy)
        assert (added.status_code, added.headers[COUNT]) == (201, "2")
        assert await desk.kept(third) == [desk.overlap(desk.first), desk.overlap(other)]
        free = await desk.add(other, await desk.another())
        assert (free.status_code, COUNT in free.headers) == (201, False)

    async def test_pairs(self, desk: Desk) -> None:
        """Each person and each of their other interviews is one overlap."""
        colleague = await desk.another()
        both = (await desk.create(NINE, desk.busy, colleague)).json()
        answer = await desk.create(HALF_PAST, colleague, desk.busy)
        assert answer.headers[COUNT] == "3"
        expected = [desk.overlap(desk.first), desk.overlap(both), desk.overlap(both, colleague)]
        kept = await desk.kept(answer.json()) or ()
        assert sorted(map(sorted_items, kept)) == sorted(map(sorted_items, expected))

    async def test_one_write(self, desk: Desk) -> None:
        """The overlaps stand in the entry of the write itself: it is one revision, and one event."""
        added = (await desk.create(HALF_PAST, desk.admin)).json()
        await desk.add(added, desk.busy)
        entry = await desk.last_entry(added)
        assert (entry["rev"], entry["type"]) == (2, "interview.participant_added")
        assert entry["changes"].keys() == {"participant", "conflicts"}

    @pytest.mark.parametrize("status", ["completed", "cancelled"])
    async def test_closed_ones_never_clash(self, desk: Desk, status: str) -> None:
        """Completed and cancelled interviews keep nobody busy; an ongoing one does."""
        await bring_to(desk.client, desk.admin, desk.first["id"], status)
        assert COUNT not in (await desk.create(HALF_PAST)).headers

    async def test_an_ongoing_one_clashes(self, desk: Desk) -> None:
        await bring_to(desk.client, desk.admin, desk.first["id"], "ongoing")
        assert (await desk.create(HALF_PAST)).headers[COUNT] == "1"

    async def test_whoever_has_left_is_free(self, desk: Desk) -> None:
        """Somebody who was removed from an interview isn't busy with it any more."""
        left = f"{address_of(desk.first)}/participants/{desk.busy.id}"
        assert (await desk.client.delete(left, headers=desk.admin.headers)).status_code == 204
        assert COUNT not in (await desk.create(HALF_PAST)).headers

    async def test_no_entry_grows_without_limit(self, desk: Desk, database: Database) -> None:
        """Of many overlaps all are counted, and the first are kept."""
        stored = await database[INTERVIEWS].find_one({"_id": desk.first["id"]})
        assert stored
        copies = [{**stored, "_id": f"{n:024x}", "history": []} for n in range(MOST_RECORDED + 5)]
        await database[INTERVIEWS].insert_many(copies)
        answer = await desk.create(HALF_PAST)
        assert answer.headers[COUNT] == str(MOST_RECORDED + 6)
        assert len(await desk.kept(answer.json()) or ()) == MOST_RECORDED
        await database[INTERVIEWS].delete_many({"_id": {"$in": [copy["_id"] for copy in copies]}})


class TestRefused:
    async def test_created(self, desk: Desk, database: Database) -> None:
        """Everybody who is busy is pointed at, with the times alone, and nothing is written: no account either."""
        other, free = await desk.another(), await desk.another()
        await desk.create(NINE, other, title="Secret")
        people = [
            {"user_id": free.id},
            {"user_id": desk.busy.id},
            {"user_email": f"new-{free.id}@example.com", "invite": True},
            {"user_id": other.id},
        ]
        before = await database[INTERVIEWS].count_documents({}), await database["users"].count_documents({})
        body = an_interview(scheduled_at=HALF_PAST, participants=people, on_conflict="refuse")
        answer = await desk.client.post("/v1/interviews", json=body, headers=desk.admin.headers)
        times = "from 2027-03-05T09:00:00Z to 2027-03-05T10:00:00Z"
        assert refused(answer) == [
            ("#/participants/1", f"User {desk.busy.id} is busy {times}"),
            ("#/participants/3", f"User {other.id} is busy {times}"),
        ]
        assert desk.first["id"] not in answer.text
        assert "Secret" not in answer.text
        assert before == (await database[INTERVIEWS].count_documents({}), await database["users"].count_documents({}))

    async def test_free(self, desk: Desk) -> None:
        """Who is free can be booked; ends that touch don't clash."""
        answer = await desk.create(TEN, on_conflict="refuse")
        assert (answer.status_code, COUNT in answer.headers) == (201, False)
        assert (await desk.create(HALF_PAST, on_conflict="refuse")).status_code == 400

    async def test_nobody(self, desk: Desk) -> None:
        """An interview without participants overlaps nothing."""
        body = an_interview(scheduled_at=HALF_PAST, on_conflict="refuse")
        answer = await desk.client.post("/v1/interviews", json=body, headers=desk.admin.headers)
        assert answer.status_code == 201
        moved = await desk.move(answer.json(), scheduled_at=NINE, on_conflict="refuse")
        assert moved.status_code == 200

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"scheduled_at": HALF_PAST}, "#/scheduled_at"),
            ({"duration_minutes": 90}, "#/duration_minutes"),
            ({"title": "Other", "duration_minutes": 90, "time_zone": "Asia/Tokyo"}, "#/duration_minutes"),
            ({"time_zone": "Asia/Tokyo", "scheduled_at": HALF_PAST}, "#/scheduled_at"),
        ],
    )
    async def test_rescheduled(self, desk: Desk, fields: dict[str, Any], pointer: str) -> None:
        """A move is refused at the member that moves it; the interview stays as it is, its title too."""
        early = (await desk.create("2027-03-05T08:00:00Z")).json()
        [(found, message)] = refused(await desk.move(early, **fields, on_conflict="refuse"))
        assert (found, desk.busy.id in message) == (pointer, True)
        read = await desk.client.get(address_of(early), headers=desk.admin.headers)
        assert read.json() == early
        away = await desk.move(early, scheduled_at=TEN, on_conflict="refuse")
        assert (away.status_code, away.json()["schedule_version"]) == (200, 1)

    async def test_a_new_zone(self, desk: Desk) -> None:
        """A new zone alone is a reschedule: an overlap that was allowed before is refused now, a new title isn't."""
        second = (await desk.create(HALF_PAST)).json()
        [(pointer, _)] = refused(await desk.move(second, time_zone="Asia/Tokyo", on_conflict="refuse"))
        assert pointer == "#/time_zone"
        for fields in ({"title": "Other"}, {"time_zone": "UTC", "scheduled_at": HALF_PAST}, {}):
            kept = await desk.move(second, **fields, on_conflict="refuse")
            assert (kept.status_code, COUNT in kept.headers) == (200, False)

    async def test_added(self, desk: Desk) -> None:
        """Somebody who is busy isn't added; somebody else is, though others in the interview are busy too."""
        second = (await desk.create(HALF_PAST)).json()
        third = (await desk.create(HALF_PAST, desk.admin)).json()
        [(pointer, message)] = refused(await desk.add(third, desk.busy, on_conflict="refuse"))
        assert (pointer, second["id"] in message) == ("#", False)
        added = await desk.add(second, await desk.another(), on_conflict="refuse")
        assert (added.status_code, COUNT in added.headers) == (201, False)

    async def test_invited(self, desk: Desk, database: Database) -> None:
        """An invited account is added: it has no other interview."""
        address, email = f"{address_of(desk.first)}/participants", f"i-{desk.busy.id}@example.com"
        body = {"user_email": email, "invite": True, "on_conflict": "refuse"}
        assert (await desk.client.post(address, json=body, headers=desk.admin.headers)).status_code == 201

    async def test_a_duplicate_is_one(self, desk: Desk) -> None:
        """Whoever takes part already is a duplicate, even where they are busy with something else."""
        await desk.create(HALF_PAST)
        answer = await desk.add(desk.first, desk.busy, on_conflict="refuse")
        assert answer.json()["code"] == "duplicate_participant"

    async def test_long_lists(self, desk: Desk) -> None:
        """Of somebody's many interviews three times are named, each once."""
        await desk.create(NINE)
        for minute in range(1, 6):
            await desk.create(f"2027-03-05T09:0{minute}:00Z")
        [(_, message)] = refused(await desk.create(HALF_PAST, on_conflict="refuse"))
        assert message.count(" to ") == 3
        assert message.endswith("09:02:00Z to 2027-03-05T10:02:00Z, and 3 times more")

    @pytest.mark.parametrize("value", ["ask", "", 1, True, ["refuse"], {"$ne": 1}, "REFUSE"])
    async def test_other_words(self, desk: Desk, value: object) -> None:
        """`on_conflict` has two words; anything else is malformed on each route, and null is the setting."""
        for answer in (
            await desk.create(TEN, on_conflict=value),
            await desk.move(desk.first, title="Other", on_conflict=value),
            await desk.add(desk.first, desk.admin, on_conflict=value),
        ):
            assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
            assert [entry["pointer"] for entry in answer.json()["errors"]] == ["#/on_conflict"]
        assert (await desk.create(HALF_PAST, on_conflict=None)).headers[COUNT] == "1"

    async def test_not_in_a_participant(self, desk: Desk) -> None:
        """A new interview says it once, not for each of its participants."""
        body = an_interview(participants=[{"user_id": desk.busy.id, "on_conflict": "refuse"}])
        answer = await desk.client.post("/v1/interviews", json=body, headers=desk.admin.headers)
        assert [entry["pointer"] for entry in answer.json()["errors"]] == ["#/participants/0/on_conflict"]


class TestSetting:
    """PARLEY_ON_CONFLICT."""

    @pytest.fixture
    async def strict(self, deployment: Deployment, desk: Desk) -> AsyncIterator[Desk]:
        """The same administrator at a worker that refuses."""
        async with deployment.worker(interviews=InterviewSettings(on_conflict=OnConflict.REFUSE)) as client:
            strict = Desk(desk.app, client, desk.admin, desk.busy)
            strict.first = desk.first
            yield strict

    async def test_what_is_left_out(self, strict: Desk) -> None:
        """The setting decides where the request doesn't, on each route; null is left out too."""
        empty = (await strict.create(HALF_PAST, strict.admin)).json()
        later = (await strict.create(TEN)).json()
        refused(await strict.create(HALF_PAST))
        refused(await strict.create(HALF_PAST, on_conflict=None))
        refused(await strict.move(later, scheduled_at=HALF_PAST))
        refused(await strict.add(empty, strict.busy))
        assert (await strict.create(HALF_PAST, on_conflict="allow")).headers[COUNT] == "2"

    async def test_allowed_by_default(self) -> None:
        """Nobody who sets nothing meets a refusal."""
        assert InterviewSettings().on_conflict == "allow"


class TestWhoSees:
    """The overlaps in the history."""

    async def test_table(self, app: FastAPI, desk: Desk, people: People) -> None:
        """Administrators see which interviews overlap; interviewers whose, and their own; candidates nothing."""
        second = (await desk.create(HALF_PAST, desk.busy, people.interviewer, people.candidate)).json()
        await desk.add(desk.first, people.interviewer)
        named = [desk.overlap(second, people.interviewer)]
        hidden = [{**named[0], "interview_id": None}]
        await desk.add(desk.first, people.candidate)
        of_candidate = [desk.overlap(second, people.candidate)]
        hidden_candidate = [{**of_candidate[0], "interview_id": None}]
        for reader, expected in (
            (desk.admin, [named, of_candidate]),
            (people.interviewer, [named, hidden_candidate]),
            (desk.busy, [hidden, hidden_candidate]),
            (people.candidate, [None, None]),
        ):
            page = await desk.client.get(f"{address_of(desk.first)}/history", headers=reader.headers)
            changes = [entry["changes"].get("conflicts") for entry in page.json()["items"][-2:]]
            assert [change and change["to"] for change in changes] == expected
            assert (second["id"] in page.text) == (reader in (desk.admin, people.interviewer))


class TestTogether:
    async def test_one_of_many_bookings(self, desk: Desk) -> None:
        """Of 10 concurrent bookings of one person at one time, through create, move and add, one gets them."""
        person = await desk.another()
        others = [(await desk.create(NINE, desk.admin)).json() for _ in range(4)]
        early = [(await desk.create(f"2027-03-0{day}T09:00:00Z", person)).json() for day in range(1, 4)]
        answers = await asyncio.gather(
            *(desk.create(NINE, person, on_conflict="refuse") for _ in range(3)),
            *(desk.add(interview, person, on_conflict="refuse") for interview in others),
            *(desk.move(interview, scheduled_at=HALF_PAST, on_conflict="refuse") for interview in early),
        )
        assert sorted(answer.status_code // 100 for answer in answers) == [2] + [4] * 9
        assert {a.json()["code"] for a in answers if a.is_error} == {"schedule_conflict"}

    async def test_the_same_again_and_again(self, desk: Desk) -> None:
        """Of 30 equal requests one adds the person, and the others find them there: none begins again for ever."""
        answers = await asyncio.gather(
            *(desk.add(desk.first, desk.admin, on_conflict="refuse") for _ in range(30)),
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [400] * 29
        assert {a.json()["code"] for a in answers if a.is_error} == {"duplicate_participant"}

    async def test_all_who_fit(self, desk: Desk) -> None:
        """Bookings of the same people at different times all succeed, though each waits for the others."""
        people = [await desk.another() for _ in range(3)]
        days = [f"2027-04-{day:02}T09:00:00Z" for day in range(1, 11)]
        answers = await asyncio.gather(*(desk.create(day, *people, on_conflict="refuse") for day in days))
        assert [answer.status_code for answer in answers] == [201] * len(days)

    async def test_agendas_say_nothing(self, desk: Desk, database: Database) -> None:
        """An agenda is a number, and only who was booked exclusively has one."""
        assert await database[AGENDAS].find_one({"_id": f"agenda:{desk.busy.id}"}) is None
        await desk.create(TEN, on_conflict="refuse")
        agenda = await database[AGENDAS].find_one({"_id": f"agenda:{desk.busy.id}"})
        assert agenda == {"_id": f"agenda:{desk.busy.id}", "n": 1}


def sorted_items(overlap: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(overlap.items())
