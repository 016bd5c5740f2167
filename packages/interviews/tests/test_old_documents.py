"""Documents that lack a field, as an earlier release wrote them: every route reads them, with a default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from attending import PAST, attendance, mark, rsvp

from parley_interviews.models import UNKNOWN_TIME, UNKNOWN_USER, Interview, Participant
from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from conftest import People

    from parley_core import Database

# Without one of these a document is no interview, no participant and no entry.
ESSENTIAL = {"id", "status", "rev"}
DEFAULTS = {
    "title": "",
    "interview_type": "unknown",
    "scheduled_at": "1970-01-01T00:00:00Z",
    "duration_minutes": 60,
    "time_zone": "UTC",
    "description": None,
    "notes": None,
    "location": None,
    "external_id": None,
    "ends_at": "2027-03-05T10:30:00Z",
    "schedule_version": 0,
    "created_by": UNKNOWN_USER,
    "created_at": "1970-01-01T00:00:00Z",
    "updated_at": "2027-01-15T12:00:00Z",
}
FIELDS = sorted(Interview.__dataclass_fields__.keys() - ESSENTIAL)
PARTICIPANT_FIELDS = sorted(Participant.__dataclass_fields__.keys() - {"user_id"})
ENTRY_FIELDS = ["actor", "actor_role", "request_id", "reason", "changes"]
SORTS = ["created_at", "updated_at", "scheduled_at", "title", "status"]


async def every_answer(client: httpx.AsyncClient, people: People, interview: dict[str, Any]) -> list[httpx.Response]:
    """Use every route of an interview, and return the answers."""
    address, headers = address_of(interview), people.admin.headers
    mine = f"/v1/interviews?participant_id={people.interviewer.id}"
    reads = [address, f"{address}/participants?former=true", f"{address}/history", mine]
    reads += [f"{mine}&sort={direction}{sort}" for sort in SORTS for direction in ("", "-")]
    answers = [await client.get(read, headers=headers) for read in reads]
    answers += [
        await client.patch(address, json={"title": "Other", "duration_minutes": 90}, headers=headers),
        await client.post(f"{address}/participants", json={"user_id": people.candidate.id}, headers=headers),
        await client.delete(f"{address}/participants/{people.interviewer.id}", headers=headers),
        await client.patch(f"{address}/status", json={"status": "cancelled"}, headers=headers),
    ]
    return answers


class TestInterview:
    async def test_texts_of_before(self, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """Texts and zones that earlier releases took and this one refuses are read, and other fields change."""
        interview = await create_interview(client, people.admin, people.interviewer)
        old = {"title": "\u200b\u202e", "location": "\u2800", "description": "\u3164", "time_zone": "Factory"}
        await database["interviews"].update_one({"_id": interview["id"]}, {"$set": old})
        answers = await every_answer(client, people, interview)
        assert {answer.status_code for answer in answers} == {200, 201, 204}
        assert {field: answers[0].json()[field] for field in old} == old

    def test_each_field_has_a_default(self) -> None:
        """A new field of an interview needs a default here, or is essential."""
        assert set(DEFAULTS) == set(FIELDS)

    @pytest.mark.parametrize("field", [*FIELDS, "title_words", "title_key", "participants"])
    async def test_every_route(self, client: httpx.AsyncClient, database: Database, people: People, field: str) -> None:
        """Every route answers for an interview that lacks one field."""
        interview = await create_interview(client, people.admin, people.interviewer)
        await database["interviews"].update_one({"_id": interview["id"]}, {"$unset": {field: True}})
        answers = await every_answer(client, people, interview)
        expected = {200, 201, 204} | ({404} if field == "participants" else set())
        assert {answer.status_code for answer in answers} <= expected, [a.text for a in answers if a.is_error]
        cancelled = answers[-1].json()
        assert cancelled["schedule_version"] == 2
        assert (cancelled["title"], cancelled["duration_minutes"]) == ("Other", 90)

    @pytest.mark.parametrize("field", FIELDS)
    async def test_default(self, client: httpx.AsyncClient, database: Database, people: People, field: str) -> None:
        """A missing field is answered with its default, the same in the detail and in the list."""
        interview = await create_interview(client, people.admin, people.interviewer)
        unset: dict[str, Any] = {"$unset": {field: True}}
        if field == "updated_at":
            unset["$set"] = {"created_at": UNKNOWN_TIME.replace(year=2027, month=1, day=15, hour=12)}
        await database["interviews"].update_one({"_id": interview["id"]}, unset)
        shown = (await client.get(address_of(interview), headers=people.interviewer.headers)).json()
        [listed] = (await client.get("/v1/interviews", headers=people.interviewer.headers)).json()["items"]
        assert shown[field] == listed[field] == DEFAULTS[field]
        assert listed == shown


class TestParticipants:
    @pytest.mark.parametrize("field", PARTICIPANT_FIELDS)
    async def test_every_route(self, client: httpx.AsyncClient, database: Database, people: People, field: str) -> None:
        """Every route answers for an interview one of whose participants lacks a field."""
        interview = await create_interview(client, people.admin, people.interviewer)
        unset = {"$unset": {f"participants.0.{field}": True}}
        await database["interviews"].update_one({"_id": interview["id"]}, unset)
        answers = await every_answer(client, people, interview)
        assert {answer.status_code for answer in answers} <= {200, 201, 204}, [a.text for a in answers if a.is_error]


class TestHistory:
    @pytest.mark.parametrize("field", ENTRY_FIELDS)
    async def test_every_route(self, client: httpx.AsyncClient, database: Database, people: People, field: str) -> None:
        """Every route answers for an interview whose first entry lacks a field."""
        interview = await create_interview(client, people.admin, people.interviewer)
        await database["interviews"].update_one({"_id": interview["id"]}, {"$unset": {f"history.0.{field}": True}})
        answers = await every_answer(client, people, interview)
        assert {answer.status_code for answer in answers} <= {200, 201, 204}, [a.text for a in answers if a.is_error]


class TestCursor:
    @pytest.mark.parametrize("limit", [1, 2, 3])
    @pytest.mark.parametrize("direction", ["", "-"])
    @pytest.mark.parametrize("field", ["created_at", "updated_at", "scheduled_at", "title"])
    async def test_missing_key(
        self,
        client: httpx.AsyncClient,
        database: Database,
        people: People,
        *,
        field: str,
        direction: str,
        limit: int,
    ) -> None:
        """A walk over a key that some interviews lack meets each interview once, in the list's order."""
        for number in range(7):
            interview = await create_interview(client, people.admin, people.interviewer, title=f"Title {number}")
            if number % 2:
                stored = {"title": "title_key"}.get(field, field)
                await database["interviews"].update_one({"_id": interview["id"]}, {"$unset": {stored: True}})
        headers = people.interviewer.headers
        whole = await client.get(f"/v1/interviews?sort={direction}{field}", headers=headers)
        expected, seen = [item["id"] for item in whole.json()["items"]], []
        address: str | None = f"/v1/interviews?sort={direction}{field}&limit={limit}"
        while address:
            page = (await client.get(address, headers=headers)).json()
            seen += [item["id"] for item in page["items"]]
            address = page["next"]
        assert len(seen) == 7
        assert seen == expected


class TestAttendance:
    @pytest.mark.parametrize(
        "field", ["scheduled_at", "schedule_version", "participants.0.added_at", "participants.0.participant_role"]
    )
    async def test_of_an_interview(
        self, client: httpx.AsyncClient, database: Database, people: People, field: str
    ) -> None:
        """People answer and are marked in an interview that lacks a field, and both count."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=PAST)
        await database["interviews"].update_one({"_id": interview["id"]}, {"$unset": {field: True}})
        answers = [
            await rsvp(client, people.candidate, interview),
            await mark(client, people.admin, interview, people.candidate, "present"),
        ]
        assert {answer.status_code for answer in answers} == {200}
        [item] = (await attendance(client, people.admin, interview))["items"]
        assert (item["is_current"], item["attended"]) == (True, "present")

    @pytest.mark.parametrize(
        ("part", "field"),
        [
            ("rsvp", None),
            ("rsvp", "comment"),
            ("rsvp", "schedule_version"),
            ("rsvp", "answered_at"),
            ("mark", None),
            ("mark", "reason"),
            ("mark", "scheduled_at"),
            ("mark", "marked_by"),
            ("mark", "marked_at"),
        ],
    )
    async def test_of_an_attendance(
        self, client: httpx.AsyncClient, database: Database, people: People, part: str, field: str | None
    ) -> None:
        """An answer or a mark that lacks a field is read, and both can be given anew."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=PAST)
        await rsvp(client, people.candidate, interview)
        await mark(client, people.admin, interview, people.candidate, "no_show")
        unset = {"$unset": {f"people.0.{part}" + (f".{field}" if field else ""): True}}
        await database["attendances"].update_one({"_id": interview["id"]}, unset)
        [item] = (await attendance(client, people.admin, interview))["items"]
        assert (item["answer"] is None) is (part == "rsvp" and field is None)
        await rsvp(client, people.candidate, interview, "declined")
        await mark(client, people.admin, interview, people.candidate, "present")
        [item] = (await attendance(client, people.admin, interview))["items"]
        assert (item["answer"], item["attended"]) == ("declined", "present")
