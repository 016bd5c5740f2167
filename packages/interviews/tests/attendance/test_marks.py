"""Marks over HTTP: who says who came, and from when on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from attending import PAST, attendance, change, entry, mark, outcome, rsvp
from fastapi import FastAPI

from parley_auth.testing import an_account, an_api_key
from parley_core.testing import logged
from parley_interviews.testing import address_of, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import People

UNKNOWN_ID = "0" * 24
DENIED = (403, "permission_denied")


class TestMark:
    async def test_is_read_by_everybody(self, client: httpx.AsyncClient, people: People) -> None:
        """All who take part see who came; why and by whom is for administrators and interviewers."""
        everybody = [people.interviewer, people.candidate]
        interview = await create_interview(client, people.admin, *everybody, scheduled_at=PAST)
        answer = await mark(client, people.interviewer, interview, people.candidate, "no_show", reason="No answer")
        assert outcome(answer) == (200, None)
        marked = {
            "attended": "no_show",
            "reason": "No answer",
            "marked_by": people.interviewer.id,
            "marked_at": "2027-03-01T12:00:00Z",
        }
        assert answer.json() == answer.json() | marked
        for viewer in (people.admin, people.interviewer):
            assert await entry(client, viewer, interview, people.candidate) == answer.json()
        seen = await entry(client, people.candidate, interview, people.candidate)
        assert seen == answer.json() | {"reason": None, "marked_by": None}

    async def test_unknown_withdraws(self, client: httpx.AsyncClient, people: People) -> None:
        """A mark can be corrected and withdrawn; the answer stays."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=PAST)
        await rsvp(client, people.candidate, interview)
        for attended in ("no_show", "present", "unknown"):
            assert (await mark(client, people.admin, interview, people.candidate, attended)).json()[
                "attended"
            ] == attended
        item = await entry(client, people.admin, interview, people.candidate)
        assert (item["attended"], item["answer"], item["reason"]) == ("unknown", "accepted", None)

    async def test_who_marks_whom(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Interviewers mark candidates, neither themselves nor each other; administrators mark everybody."""
        colleague, boss = await an_account(app, "interviewer"), await an_account(app, "admin")
        everybody = [people.interviewer, colleague, people.candidate, boss]
        interview = await create_interview(client, people.admin, *everybody, scheduled_at=PAST)
        for caller, who, expected in (
            (people.interviewer, people.candidate, (200, None)),
            (people.interviewer, people.interviewer, DENIED),
            (people.interviewer, colleague, DENIED),
            (people.interviewer, boss, DENIED),
            (people.candidate, people.candidate, DENIED),
            (people.candidate, people.interviewer, DENIED),
            (people.admin, people.candidate, (200, None)),
            (people.admin, people.interviewer, (200, None)),
            (boss, boss, (200, None)),
            (boss, colleague, (200, None)),
            (await an_account(app, "interviewer"), people.candidate, (403, "not_a_participant")),
        ):
            assert outcome(await mark(client, caller, interview, who, "present")) == expected

    async def test_administrators_as_candidates(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Whoever is the interview's candidate marks nobody, whatever their account is."""
        boss = await an_account(app, "admin")
        interview = await create_interview(client, people.admin, people.interviewer, scheduled_at=PAST)
        body = {"user_id": boss.id, "participant_role": "candidate"}
        await client.post(f"{address_of(interview)}/participants", json=body, headers=people.admin.headers)
        for who in (boss, people.interviewer):
            assert outcome(await mark(client, boss, interview, who, "present")) == DENIED
        assert outcome(await mark(client, people.interviewer, interview, boss, "present")) == (200, None)

    async def test_keys(self, client: httpx.AsyncClient, people: People) -> None:
        """An API key marks as whom it names; without the right to read what is internal it sees no reason."""
        everybody = [people.interviewer, people.candidate]
        interview = await create_interview(client, people.admin, *everybody, scheduled_at=PAST)
        key = await an_api_key(client, people.admin, "attendance:mark", "attendance:read")
        address = f"{address_of(interview)}/attendance"
        body = {"attended": "present", "reason": "Seen"}
        answer = await client.put(f"{address}/{people.candidate.id}", json=body, headers=key.headers)
        assert (answer.status_code, answer.json()["reason"]) == (200, None)
        assert outcome(await client.put(f"{address}/{people.interviewer.id}", json=body, headers=key.headers)) == DENIED
        assert (await client.get(address, headers=key.headers)).json()["items"][1]["attended"] == "present"
        yes = {"answer": "accepted", "schedule_version": 0}
        answered = await client.put(f"{address_of(interview)}/rsvp", json=yes, headers=key.headers)
        assert outcome(answered) == (403, "not_a_participant")

    async def test_somebody_else(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever doesn't take part isn't found, and a malformed id is none."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=PAST)
        for user_id in (UNKNOWN_ID, people.interviewer.id):
            address = f"{address_of(interview)}/attendance/{user_id}"
            answer = await client.put(address, json={"attended": "present"}, headers=people.admin.headers)
            assert outcome(answer) == (404, "participant_not_found")
        address = f"{address_of(interview)}/attendance/x"
        answer = await client.put(address, json={"attended": "present"}, headers=people.admin.headers)
        assert outcome(answer) == (400, "invalid_id")

    @pytest.mark.parametrize(
        "body",
        [{}, {"attended": "late"}, {"attended": None}, {"attended": "present", "reason": "x" * 501}, {"answer": "x"}],
    )
    async def test_malformed(self, client: httpx.AsyncClient, people: People, body: dict[str, Any]) -> None:
        """A malformed body is refused before it matters whether it is too early."""
        interview = await create_interview(client, people.admin, people.candidate)
        address = f"{address_of(interview)}/attendance/{people.candidate.id}"
        answer = await client.put(address, json=body, headers=people.admin.headers)
        assert outcome(answer) == (400, "validation_error")


class TestWhen:
    @pytest.mark.parametrize("attended", ["present", "no_show", "unknown"])
    @pytest.mark.parametrize(
        ("scheduled_at", "expected"),
        [
            ("2027-03-01T11:59:59.999Z", (200, None)),
            ("2027-03-01T12:00:00Z", (200, None)),
            ("2027-03-01T12:00:00.001Z", (400, "too_early")),
            ("2099-01-01T00:00:00Z", (400, "too_early")),
        ],
    )
    async def test_not_before_the_start(
        self,
        client: httpx.AsyncClient,
        people: People,
        scheduled_at: str,
        expected: tuple[int, str | None],
        attended: str,
    ) -> None:
        """Nobody can have come, or not come, before the interview's time."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=scheduled_at)
        assert outcome(await mark(client, people.admin, interview, people.candidate, attended)) == expected

    async def test_started_early(self, client: httpx.AsyncClient, people: People) -> None:
        """An interview that was started has begun, whatever its time says; a completed one too."""
        interview = await create_interview(client, people.admin, people.candidate)
        for status in ("ongoing", "completed"):
            change_to = {"status": status}
            await client.patch(f"{address_of(interview)}/status", json=change_to, headers=people.admin.headers)
            for attended in ("no_show", "present"):
                answer = await mark(client, people.admin, interview, people.candidate, attended)
                assert outcome(answer) == (200, None)

    async def test_not_on_a_cancelled_one(self, client: httpx.AsyncClient, people: People) -> None:
        """A cancelled interview is closed, whoever is named; what was marked before stays."""
        for scheduled_at in (PAST, "2099-01-01T00:00:00Z"):
            interview = await create_interview(client, people.admin, people.candidate, scheduled_at=scheduled_at)
            await mark(client, people.admin, interview, people.candidate, "no_show")
            await bring_to(client, people.admin, interview["id"], "cancelled")
            for who in (people.candidate, people.interviewer):
                answer = await mark(client, people.admin, interview, who, "no_show")
                assert outcome(answer) == (400, "interview_closed")
            shown = (await entry(client, people.admin, interview, people.candidate))["attended"]
            assert shown == ("no_show" if scheduled_at == PAST else "unknown")

    async def test_another_time(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever missed the time of before hasn't missed the new one; a longer interview keeps who came."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=PAST)
        await mark(client, people.admin, interview, people.candidate, "no_show", reason="Ill")
        await change(client, people.admin, interview, duration_minutes=90)
        assert (await entry(client, people.admin, interview, people.candidate))["attended"] == "no_show"
        await change(client, people.admin, interview, scheduled_at="2027-03-01T11:45:00Z")
        item = await entry(client, people.admin, interview, people.candidate)
        assert (item["attended"], item["reason"], item["marked_by"], item["marked_at"]) == ("unknown", None, None, None)


class TestEvents:
    async def test_one_for_each_change(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Each change of a mark is one entry with whom, from, to and why; a repeat is none."""
        everybody = [people.interviewer, people.candidate]
        interview = await create_interview(client, people.admin, *everybody, scheduled_at=PAST)
        for _ in range(2):
            await mark(client, people.interviewer, interview, people.candidate, "no_show", reason="No answer")
        await mark(client, people.admin, interview, people.candidate, "present")
        assert outcome(await mark(client, people.candidate, interview, people.candidate, "present")) == DENIED
        entries = [entry for entry in await logged(app, interview["id"]) if entry.kind == "attendance"]
        person = {"from": None, "to": {"user_id": people.candidate.id, "participant_role": "candidate"}}
        assert [(e.rev, e.type, e.actor, e.reason, e.changes) for e in entries] == [
            (
                1,
                "attendance.marked",
                people.interviewer.id,
                "No answer",
                {"participant": person, "attended": {"from": None, "to": "no_show"}},
            ),
            (
                2,
                "attendance.marked",
                people.admin.id,
                None,
                {"participant": person, "attended": {"from": "no_show", "to": "present"}},
            ),
        ]
        assert set(entries[0].audience) == {people.interviewer.id, people.candidate.id}

    async def test_only_the_reason(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """A mark for another reason is another mark."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=PAST)
        for reason in ("No answer", "Wrong number"):
            await mark(client, people.admin, interview, people.candidate, "no_show", reason=reason)
        assert (await entry(client, people.admin, interview, people.candidate))["reason"] == "Wrong number"
        kinds = [entry.kind for entry in await logged(app, interview["id"])]
        assert kinds.count("attendance") == 2
        assert (await attendance(client, people.admin, interview))["items"][0]["attended"] == "no_show"
