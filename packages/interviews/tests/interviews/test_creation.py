"""Creating an interview over HTTP: what is stored, and what refuses the whole request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import an_account
from parley_core import Database
from parley_interviews.testing import address_of, an_interview

if TYPE_CHECKING:
    from conftest import People

UNKNOWN_ID = "0" * 24


async def post_interview(client: httpx.AsyncClient, people: People, **changes: Any) -> httpx.Response:
    return await client.post("/v1/interviews", json=an_interview(**changes), headers=people.admin.headers)


async def participants(client: httpx.AsyncClient, people: People, interview: dict[str, Any]) -> list[tuple[str, str]]:
    answer = await client.get(f"{address_of(interview)}/participants", headers=people.admin.headers)
    return [(p["user_id"], p["participant_role"]) for p in answer.json()["items"]]


class TestAccepted:
    async def test_defaults(self, client: httpx.AsyncClient, people: People) -> None:
        """What the body leaves out has its documented default, and the server decides the rest."""
        answer = await post_interview(client, people)
        assert answer.status_code == 201
        interview = answer.json()
        assert interview == {
            "id": interview["id"],
            "title": "Backend engineer",
            "interview_type": "technical",
            "description": None,
            "notes": None,
            "status": "scheduled",
            "scheduled_at": "2027-03-05T09:30:00Z",
            "duration_minutes": 60,
            "ends_at": "2027-03-05T10:30:00Z",
            "time_zone": "UTC",
            "location": None,
            "external_id": None,
            "created_by": people.admin.id,
            "created_at": "2027-03-01T12:00:00Z",
            "updated_at": "2027-03-01T12:00:00Z",
            "rev": 1,
            "schedule_version": 0,
            "my_role": None,
            "allowed_transitions": ["ongoing", "cancelled"],
        }
        assert await participants(client, people, interview) == []

    async def test_says_where_it_is(self, client: httpx.AsyncClient, people: People) -> None:
        """`Location` leads to the interview, whose bytes and `ETag` are those of the answer."""
        created = await post_interview(client, people, description="Line 1\n\tLine 2 – ünï 🎈", location="Room 4")
        read = await client.get(created.headers["Location"], headers=people.admin.headers)
        assert read.status_code == 200
        assert read.content == created.content
        assert read.headers["ETag"] == created.headers["ETag"] == '"1-outsider.internal.ongoing.cancelled"'

    async def test_every_detail(self, client: httpx.AsyncClient, people: People) -> None:
        """Every detail that is given is answered as given, the instant in UTC."""
        details = {
            "title": "System design",
            "interview_type": "on-site_2",
            "scheduled_at": "2027-06-01T11:15:30.250+02:00",
            "duration_minutes": 90,
            "time_zone": "Europe/Berlin",
            "description": " kept as it is ",
            "location": "Room 4",
            "external_id": "ats:every-detail",
        }
        interview = (await post_interview(client, people, **details)).json()
        expected = details | {"scheduled_at": "2027-06-01T09:15:30.250000Z", "ends_at": "2027-06-01T10:45:30.250000Z"}
        assert {name: interview[name] for name in expected} == expected

    async def test_participants_by_id_and_email(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """People are named by id or by e-mail, in any spelling of it; their role follows the account when left out."""
        other = await an_account(app, "candidate")
        interview = await post_interview(
            client,
            people,
            participants=[
                {"user_email": f"  {people.interviewer.user.email.upper()} "},
                {"user_id": people.candidate.id},
                {"user_id": other.id, "participant_role": "candidate"},
                {"user_email": people.admin.user.email, "participant_role": "interviewer"},
            ],
        )
        assert interview.status_code == 201, interview.text
        assert await participants(client, people, interview.json()) == [
            (people.interviewer.id, "interviewer"),
            (people.candidate.id, "candidate"),
            (other.id, "candidate"),
            (people.admin.id, "interviewer"),
        ]

    async def test_participants_see_it_at_once(self, client: httpx.AsyncClient, people: People) -> None:
        """Everybody who was named at creation reads the interview, each with their own transitions."""
        named = [{"user_id": people.interviewer.id}, {"user_id": people.candidate.id}]
        interview = (await post_interview(client, people, participants=named)).json()
        expected = {"interviewer": (["ongoing"], "interviewer.internal.ongoing"), "candidate": ([], "candidate")}
        for role, (allowed, seen) in expected.items():
            answer = await client.get(address_of(interview), headers=getattr(people, role).headers)
            assert answer.json() == interview | {"my_role": role, "allowed_transitions": allowed}
            assert answer.headers["ETag"] == f'"1-{seen}"'

    async def test_words_in_any_spelling(self, client: httpx.AsyncClient, people: People) -> None:
        """Words of titles are found without regard to case and to how their letters are composed."""
        mine = [{"user_id": people.candidate.id}]
        for title in ("STRASSE nach Zu\u0308rich", "Straße nach Zürich"):
            await post_interview(client, people, title=title, participants=mine)
        for words in ("straße", "zürich strasse", "ZU\u0308RICH"):
            found = await client.get("/v1/interviews", params={"q": words}, headers=people.candidate.headers)
            assert found.json()["total"] == 2, words

    async def test_a_hundred_participants(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """An interview is created with 100 participants at most; one more is malformed input."""
        accounts = [await an_account(app) for _ in range(101)]
        everybody = [{"user_id": account.id} for account in accounts]
        full = await post_interview(client, people, participants=everybody[:100])
        assert full.status_code == 201
        assert len(await participants(client, people, full.json())) == 20
        refused = await post_interview(client, people, participants=everybody)
        assert (refused.status_code, refused.json()["code"]) == (400, "validation_error")


class TestRefused:
    @pytest.mark.parametrize("field", ["status", "rev", "id", "_id", "created_by", "schedule_version", "history", "x"])
    async def test_foreign_fields(self, client: httpx.AsyncClient, people: People, field: str) -> None:
        """Nobody sets what the server decides, nor anything unknown: the body is refused as a whole."""
        answer = await post_interview(client, people, **{field: "scheduled"})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == f"#/{field}"

    @pytest.mark.parametrize("field", ["title", "interview_type", "scheduled_at"])
    async def test_missing_fields(self, client: httpx.AsyncClient, people: People, field: str) -> None:
        """A required detail that is missing is named."""
        body = {name: value for name, value in an_interview().items() if name != field}
        answer = await client.post("/v1/interviews", json=body, headers=people.admin.headers)
        assert answer.status_code == 400
        assert [e["pointer"] for e in answer.json()["errors"]] == [f"#/{field}"]

    @pytest.mark.parametrize("field", ["title", "interview_type", "scheduled_at", "duration_minutes", "time_zone"])
    async def test_null(self, client: httpx.AsyncClient, people: People, field: str) -> None:
        """A field that every interview has can't be null."""
        answer = await post_interview(client, people, **{field: None})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")

    @pytest.mark.parametrize("body", ["[]", '"text"', "null", "1", "{", '{"title": 1}', "", '{"a":' * 300, "\xff"])
    async def test_bodies_that_are_no_interview(self, client: httpx.AsyncClient, people: People, body: str) -> None:
        """A body that is no JSON object, or hardly JSON at all, is malformed input."""
        headers = people.admin.headers | {"Content-Type": "application/json"}
        answer = await client.post("/v1/interviews", content=body.encode("latin-1"), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")

    @pytest.mark.parametrize(
        "assignment",
        [
            {},
            {"user_id": None},
            {"user_id": UNKNOWN_ID, "user_email": "a@example.com"},
            {"user_id": "x"},
            {"user_id": {"$ne": ""}},
            {"user_email": "no e-mail"},
            {"user_email": 5},
            {"user_id": UNKNOWN_ID, "participant_role": "admin"},
            {"user_id": UNKNOWN_ID, "added_by": UNKNOWN_ID},
            "text",
            None,
        ],
        ids=repr,
    )
    async def test_malformed_participants(self, client: httpx.AsyncClient, people: People, assignment: Any) -> None:
        """A participant is named by exactly one of id and e-mail, well-formed."""
        answer = await post_interview(client, people, participants=[assignment])
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")

    @pytest.mark.parametrize("bad", ["unknown_id", "unknown_email", "inactive", "role", "twice", "both"])
    async def test_all_or_nothing(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, database: Database, bad: str
    ) -> None:
        """One participant who can't take part is pointed at and refuses the whole interview: nothing is stored."""
        inactive = await an_account(app, "candidate", active=False)
        candidate, interviewer = people.candidate, people.interviewer
        refused: dict[str, tuple[list[dict[str, Any]], int, str]] = {
            "unknown_id": ([{"user_id": UNKNOWN_ID}], 404, "user_not_found"),
            "unknown_email": ([{"user_email": "nobody@example.com"}], 404, "user_not_found"),
            "inactive": ([{"user_id": inactive.id}], 400, "inactive_user"),
            "role": ([{"user_id": candidate.id, "participant_role": "interviewer"}], 400, "invalid_participant_role"),
            "twice": ([{"user_id": candidate.id}] * 2, 400, "duplicate_participant"),
            "both": (
                [{"user_id": candidate.id}, {"user_email": candidate.user.email}],
                400,
                "duplicate_participant",
            ),
        }
        named, status, code = refused[bad]
        before = await database["interviews"].count_documents({})
        answer = await post_interview(client, people, participants=[{"user_id": interviewer.id}, *named])
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/participants/{len(named)}"]
        assert await database["interviews"].count_documents({}) == before
        mine = await client.get("/v1/interviews", headers=interviewer.headers)
        assert mine.json()["total"] == 0

    async def test_each_is_named(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, database: Database
    ) -> None:
        """Whoever can't take part is pointed at with their own code; the answer's code is the first one's."""
        inactive = await an_account(app, "candidate", active=False)
        fine, candidate = {"user_id": people.interviewer.id}, {"user_id": people.candidate.id}
        unknown = {"user_email": "nobody@example.com"}
        invited = {"user_email": f"{inactive.id}@example.com", "invite": True}
        named = [
            *(fine, unknown, candidate, {"user_id": inactive.id}, candidate, invited, invited),
            {**candidate, "participant_role": "interviewer"},
        ]
        counts = [await database[name].count_documents({}) for name in ("interviews", "users")]
        answer = await post_interview(client, people, participants=named)
        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")
        assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
            ("#/participants/1", "user_not_found"),
            ("#/participants/3", "inactive_user"),
            ("#/participants/4", "duplicate_participant"),
            ("#/participants/6", "duplicate_participant"),
            ("#/participants/7", "invalid_participant_role"),
        ]
        assert not any(str(one["user_email"]) in answer.text for one in (unknown, invited))
        assert [await database[name].count_documents({}) for name in ("interviews", "users")] == counts
        answer = await post_interview(client, people, participants=[fine, {**candidate, "participant_role": None}])
        assert answer.status_code == 201

    async def test_many_wrong_ones(self, client: httpx.AsyncClient, people: People) -> None:
        """Of a hundred who are unknown the first twenty are pointed at."""
        named = [{"user_email": f"nobody-{number}@example.com"} for number in range(100)]
        answer = await post_interview(client, people, participants=named)
        pointers = [error["pointer"] for error in answer.json()["errors"]]
        assert pointers == [f"#/participants/{number}" for number in range(20)]

    @pytest.mark.parametrize("role", ["interviewer", "candidate"])
    async def test_other_roles(self, client: httpx.AsyncClient, people: People, role: str) -> None:
        """Only administrators create interviews, and that is checked before the body."""
        for body in (an_interview(), {"title": 1}):
            answer = await client.post("/v1/interviews", json=body, headers=getattr(people, role).headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")

    async def test_query_parameters(self, client: httpx.AsyncClient, people: People) -> None:
        """The address takes no query."""
        answer = await client.post("/v1/interviews?x=1", json=an_interview(), headers=people.admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


async def test_repeated_keys_are_no_way_in(client: httpx.AsyncClient, people: People) -> None:
    """Of a key that a body contains twice one value counts, and it is validated like any other."""
    text = '{"title": "a", "title": "", "interview_type": "t", "scheduled_at": "2027-03-05T09:30:00Z"}'
    headers = people.admin.headers | {"Content-Type": "application/json"}
    answer = await client.post("/v1/interviews", content=text, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/title")
