"""Answers over HTTP: who says that they are coming, to which schedule, and what others see of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from attending import attendance, change, entry, outcome, rsvp
from fastapi import FastAPI
from profiling import profiled

from parley_auth.testing import an_account
from parley_core import Database
from parley_core.testing import logged
from parley_interviews.attendance.service import AttendanceService
from parley_interviews.testing import address_of, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import People


class TestAnswer:
    async def test_is_read_by_everybody(self, client: httpx.AsyncClient, people: People) -> None:
        """Before an answer all of it is null; afterwards it is what its author was answered."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        before = await attendance(client, people.admin, interview)
        assert before["schedule_version"] == 0
        assert [item["user_id"] for item in before["items"]] == [people.interviewer.id, people.candidate.id]
        unanswered = dict.fromkeys(
            ("answer", "comment", "schedule_version", "answered_at", "reason", "marked_by", "marked_at")
        )
        for item in before["items"]:
            assert item == item | unanswered | {"is_current": False, "attended": "unknown"}

        answer = await rsvp(client, people.candidate, interview, "tentative", comment=" By video? ")
        assert outcome(answer) == (200, None)
        assert answer.json() == {
            "user_id": people.candidate.id,
            "participant_role": "candidate",
            "answer": "tentative",
            "comment": "By video?",
            "schedule_version": 0,
            "answered_at": "2027-03-01T12:00:00Z",
            "is_current": True,
            "attended": "unknown",
            "reason": None,
            "marked_by": None,
            "marked_at": None,
        }
        for viewer in (people.admin, people.interviewer, people.candidate):
            assert await entry(client, viewer, interview, people.candidate) == answer.json()

    async def test_is_read_with_its_interview(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of a move and an answer to it, between the reads of interview and answers, both are seen or none."""
        interview = await create_interview(client, people.admin, people.candidate)
        repository = app.state.parley.require(AttendanceService)._attendances  # noqa: SLF001 - no other way leads between
        answers = repository._attendances  # noqa: SLF001

        class Between:
            async def find_one(self, *arguments: Any, **named: Any) -> Any:
                monkeypatch.undo()
                moved = await change(client, people.admin, interview, duration_minutes=90)
                assert outcome(await rsvp(client, people.candidate, moved)) == (200, None)
                return await answers.find_one(*arguments, **named)

        monkeypatch.setattr(repository, "_attendances", Between())
        for expected in ((0, [None]), (1, ["accepted"])):
            read = await attendance(client, people.admin, interview)
            assert (read["schedule_version"], [item["answer"] for item in read["items"]]) == expected

    async def test_locks_first(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Its transaction begins with the lock: after a read each write to the interview would make it begin again."""
        interview = await create_interview(client, people.admin, people.candidate)
        answer, seen = await profiled(database, "interviews", rsvp(client, people.candidate, interview))
        commands = [entry["command"] for entry in seen if "txnNumber" in entry["command"]]
        assert (answer.status_code, next(iter(commands[0]))) == (200, "findAndModify")
        # A transaction that read first would have its read here.
        assert [next(iter(command)) for command in commands] == ["findAndModify", "find"]

    async def test_comments(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Candidates see others' answers and nobody's comment but their own; interviewers see all."""
        other = await an_account(app)
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate, other)
        for person in (people.interviewer, people.candidate, other):
            assert outcome(await rsvp(client, person, interview, comment=f"{person.id} is late")) == (200, None)
        seen = {
            viewer.id: [item["comment"] is not None for item in (await attendance(client, viewer, interview))["items"]]
            for viewer in (people.admin, people.interviewer, people.candidate)
        }
        assert seen == {
            people.admin.id: [True, True, True],
            people.interviewer.id: [True, True, True],
            people.candidate.id: [False, True, False],
        }
        answers = [item["answer"] for item in (await attendance(client, people.candidate, interview))["items"]]
        assert answers == ["accepted"] * 3

    async def test_replaces_the_one_before(self, client: httpx.AsyncClient, people: People) -> None:
        """The last answer counts, and a comment that it leaves out is gone."""
        interview = await create_interview(client, people.admin, people.candidate)
        await rsvp(client, people.candidate, interview, comment="Gladly")
        await rsvp(client, people.candidate, interview, "declined")
        item = await entry(client, people.admin, interview, people.candidate)
        assert (item["answer"], item["comment"]) == ("declined", None)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"answer": "accepted"},
            {"answer": "perhaps", "schedule_version": 0},
            {"answer": None, "schedule_version": 0},
            {"answer": {"$ne": 1}, "schedule_version": 0},
            {"answer": "accepted", "schedule_version": -1},
            {"answer": "accepted", "schedule_version": True},
            {"answer": "accepted", "schedule_version": "0"},
            {"answer": "accepted", "schedule_version": 2**63},
            {"answer": "accepted", "schedule_version": 0, "comment": " "},
            {"answer": "accepted", "schedule_version": 0, "comment": "x" * 501},
            {"answer": "accepted", "schedule_version": 0, "comment": "two\nlines"},
            {"answer": "accepted", "schedule_version": 0, "user_id": "0" * 24},
        ],
    )
    async def test_malformed(self, client: httpx.AsyncClient, people: People, body: dict[str, Any]) -> None:
        """Anything but the three answers, a version and a line of text is refused, and nothing is stored."""
        interview = await create_interview(client, people.admin, people.candidate)
        answer = await client.put(f"{address_of(interview)}/rsvp", json=body, headers=people.candidate.headers)
        assert outcome(answer) == (400, "validation_error")
        assert (await entry(client, people.admin, interview, people.candidate))["answer"] is None

    async def test_text_like_an_operator(self, client: httpx.AsyncClient, people: People) -> None:
        """A comment that looks like a field or an operator of MongoDB is kept as it is."""
        interview = await create_interview(client, people.admin, people.candidate)
        for comment in ("$people", "$$ROOT", "{'$ne': 1}"):
            assert (await rsvp(client, people.candidate, interview, comment=comment)).json()["comment"] == comment
            assert (await entry(client, people.admin, interview, people.candidate))["comment"] == comment

    @pytest.mark.parametrize(("status", "answer"), [("ongoing", 200), ("completed", 400), ("cancelled", 400)])
    async def test_states(self, client: httpx.AsyncClient, people: People, status: str, answer: int) -> None:
        """An open interview takes answers; a closed one says that it is closed, to whichever version."""
        interview = await create_interview(client, people.admin, people.candidate)
        await bring_to(client, people.admin, interview["id"], status)
        for version in (0, 1, 2):
            expected = {200: (200, None), 400: (400, "interview_closed")}[answer]
            if version and answer == 200:
                expected = (400, "schedule_changed")
            assert outcome(await rsvp(client, people.candidate, interview, schedule_version=version)) == expected


class TestSchedule:
    @pytest.mark.parametrize(
        "move", [{"scheduled_at": "2027-03-06T09:30:00Z"}, {"duration_minutes": 90}, {"time_zone": "Asia/Tokyo"}]
    )
    async def test_a_move_asks_again(self, client: httpx.AsyncClient, people: People, move: dict[str, Any]) -> None:
        """An answer to another schedule stays readable, doesn't count, and can't be given; the next one can."""
        interview = await create_interview(client, people.admin, people.candidate)
        await rsvp(client, people.candidate, interview)
        moved = await change(client, people.admin, interview, **move)
        for viewer in (people.admin, people.candidate):
            item = await entry(client, viewer, interview, people.candidate)
            assert (item["answer"], item["schedule_version"], item["is_current"]) == ("accepted", 0, False)
        for stale in (0, 2):
            answer = await rsvp(client, people.candidate, moved, schedule_version=stale)
            assert outcome(answer) == (400, "schedule_changed")
        assert (await rsvp(client, people.candidate, moved)).json()["is_current"]

    async def test_moved_and_moved_back(self, client: httpx.AsyncClient, people: People) -> None:
        """The time of before is another schedule: the answer of before doesn't count."""
        interview = await create_interview(client, people.admin, people.candidate)
        await rsvp(client, people.candidate, interview)
        for scheduled_at in ("2027-03-06T09:30:00Z", interview["scheduled_at"]):
            await change(client, people.admin, interview, scheduled_at=scheduled_at)
        shown = await attendance(client, people.admin, interview)
        assert (shown["schedule_version"], shown["items"][0]["is_current"]) == (2, False)
        assert outcome(await rsvp(client, people.candidate, interview)) == (400, "schedule_changed")

    async def test_another_title_asks_nobody(self, client: httpx.AsyncClient, people: People) -> None:
        """An answer counts through every change that is none of the schedule."""
        interview = await create_interview(client, people.admin, people.candidate)
        await rsvp(client, people.candidate, interview)
        details = {"title": "Other", "location": "Room 5", "notes": "N", "scheduled_at": interview["scheduled_at"]}
        await change(client, people.admin, interview, **details)
        await bring_to(client, people.admin, interview["id"], "completed")
        assert (await entry(client, people.admin, interview, people.candidate))["is_current"]

    async def test_cancelling_is_another_schedule(self, client: httpx.AsyncClient, people: People) -> None:
        """Nobody is coming to a cancelled interview."""
        interview = await create_interview(client, people.admin, people.candidate)
        await rsvp(client, people.candidate, interview)
        await bring_to(client, people.admin, interview["id"], "cancelled")
        assert not (await entry(client, people.admin, interview, people.candidate))["is_current"]


class TestTakingPart:
    async def test_only_those_who_take_part(self, client: httpx.AsyncClient, people: People) -> None:
        """An administrator who doesn't take part has nothing to answer; one who does answers like everybody."""
        interview = await create_interview(client, people.admin, people.candidate)
        assert outcome(await rsvp(client, people.admin, interview)) == (403, "not_a_participant")
        joined = await create_interview(client, people.admin, people.admin)
        assert outcome(await rsvp(client, people.admin, joined)) == (200, None)

    async def test_removed_and_added_again(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Who has left is in no list; whoever is added again is asked again; the document keeps who takes part."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        await rsvp(client, people.candidate, interview)
        place = f"{address_of(interview)}/participants"
        await client.delete(f"{place}/{people.candidate.id}", headers=people.admin.headers)
        shown = await attendance(client, people.admin, interview)
        assert [item["user_id"] for item in shown["items"]] == [people.interviewer.id]
        assert outcome(await rsvp(client, people.candidate, interview)) == (403, "not_a_participant")

        # Another instant, as another participation has.
        await rsvp(client, people.interviewer, interview)
        stored = await database["attendances"].find_one({"_id": interview["id"]})
        assert stored
        assert [person["user_id"] for person in stored["people"]] == [people.interviewer.id]
        await client.post(place, json={"user_id": people.candidate.id}, headers=people.admin.headers)
        assert (await entry(client, people.admin, interview, people.candidate))["answer"] is None

    async def test_an_answer_belongs_to_a_participation(
        self, client: httpx.AsyncClient, people: People, database: Database
    ) -> None:
        """An answer that was stored for another participation of the same user isn't theirs of now."""
        interview = await create_interview(client, people.admin, people.candidate)
        await rsvp(client, people.candidate, interview)
        later = {"$set": {"participants.0.added_at": interview["scheduled_at"]}}
        await database["interviews"].update_one({"_id": interview["id"]}, later)
        assert (await entry(client, people.admin, interview, people.candidate))["answer"] is None


class TestEvents:
    async def test_one_for_each_change(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Each change is one entry with who, from and to; comments are digests, and repeats are no entries."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        headers = people.candidate.headers | {"X-Request-ID": "request-8"}
        body = {"answer": "accepted", "schedule_version": 0, "comment": "Gladly"}
        for _ in range(2):
            await client.put(f"{address_of(interview)}/rsvp", json=body, headers=headers)
        await rsvp(client, people.candidate, interview, "declined", comment="Gladly")
        assert outcome(await rsvp(client, people.candidate, interview, schedule_version=7))[0] == 400
        entries = [entry for entry in await logged(app, interview["id"]) if entry.kind == "attendance"]
        person = {"from": None, "to": {"user_id": people.candidate.id, "participant_role": "candidate"}}
        digest = {"length": 6, "sha256": hashlib.sha256(b"Gladly").hexdigest()}
        assert [(e.rev, e.type, e.actor, e.changes) for e in entries] == [
            (
                1,
                "attendance.answered",
                people.candidate.id,
                {
                    "participant": person,
                    "answer": {"from": None, "to": "accepted"},
                    "comment": {"from": None, "to": digest},
                    "schedule_version": {"from": None, "to": 0},
                },
            ),
            (
                2,
                "attendance.answered",
                people.candidate.id,
                {"participant": person, "answer": {"from": "accepted", "to": "declined"}},
            ),
        ]
        assert entries[0].request_id == "request-8"
        assert set(entries[0].audience) == {people.interviewer.id, people.candidate.id}

    async def test_leaves_the_interview_alone(self, client: httpx.AsyncClient, people: People) -> None:
        """An answer changes neither the interview nor its history nor its entity tag."""
        interview = await create_interview(client, people.admin, people.candidate)
        before = await client.get(address_of(interview), headers=people.admin.headers)
        await rsvp(client, people.candidate, interview)
        after = await client.get(address_of(interview), headers=people.admin.headers)
        assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])
        history = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
        assert history.json()["total"] == 1
