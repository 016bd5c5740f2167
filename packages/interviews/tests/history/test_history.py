"""What the history says over HTTP, what it keeps to itself, and that it is dense whatever happens at once."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import an_account
from parley_core.testing import links_of, logged, walk
from parley_interviews.events import INTERVIEW_EVENTS
from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from conftest import People

    Interview = dict[str, Any]


async def history(client: httpx.AsyncClient, people: People, interview: Interview) -> list[dict[str, Any]]:
    answer = await client.get(f"{address_of(interview)}/history?limit=100", headers=people.admin.headers)
    return list(answer.json()["items"])


async def whole_life(client: httpx.AsyncClient, people: People) -> Interview:
    """An interview to which everything but a cancellation has happened once."""
    admin = people.admin.headers
    interview = await create_interview(client, people.admin, people.interviewer, description="D", location="Room 4")
    address = address_of(interview)
    for method, rest, body in (
        ("PATCH", "", {"title": "Other", "description": None}),
        ("PATCH", "", {"scheduled_at": "2027-03-09T08:00:00Z", "reason": "Illness"}),
        ("POST", "/participants", {"user_id": people.candidate.id}),
        ("PATCH", "/status", {"status": "ongoing"}),
        ("DELETE", f"/participants/{people.candidate.id}", None),
    ):
        answer = await client.request(method, address + rest, json=body, headers=admin | {"X-Request-ID": "request-7"})
        assert answer.is_success, answer.text
    body = {"status": "completed", "reason": "All said"}
    answer = await client.patch(f"{address}/status", json=body, headers=people.interviewer.headers)
    assert answer.status_code == 200
    return interview


class TestContents:
    async def test_a_whole_life(self, client: httpx.AsyncClient, people: People) -> None:
        """Every change is recorded once: who did what, when, from which value to which and why, and nothing else."""
        interview = await whole_life(client, people)
        entries = await history(client, people, interview)
        admin, interviewer = (people.admin.id, "admin"), (people.interviewer.id, "interviewer")
        assert [(e["rev"], e["type"], (e["actor"], e["actor_role"]), e["reason"], e["changes"]) for e in entries] == [
            (
                1,
                "interview.created",
                admin,
                None,
                {
                    "title": {"from": None, "to": "Backend engineer"},
                    "interview_type": {"from": None, "to": "technical"},
                    "scheduled_at": {"from": None, "to": "2027-03-05T09:30:00Z"},
                    "duration_minutes": {"from": None, "to": 60},
                    "time_zone": {"from": None, "to": "UTC"},
                    "description": {"from": None, "to": "D"},
                    "location": {"from": None, "to": "Room 4"},
                    "ends_at": {"from": None, "to": "2027-03-05T10:30:00Z"},
                    "participants": {
                        "from": None,
                        "to": [{"user_id": people.interviewer.id, "participant_role": "interviewer"}],
                    },
                },
            ),
            (
                2,
                "interview.updated",
                admin,
                None,
                {"title": {"from": "Backend engineer", "to": "Other"}, "description": {"from": "D", "to": None}},
            ),
            (
                3,
                "interview.rescheduled",
                admin,
                "Illness",
                {
                    "scheduled_at": {"from": "2027-03-05T09:30:00Z", "to": "2027-03-09T08:00:00Z"},
                    "ends_at": {"from": "2027-03-05T10:30:00Z", "to": "2027-03-09T09:00:00Z"},
                },
            ),
            (
                4,
                "interview.participant_added",
                admin,
                None,
                {
                    "participant": {
                        "from": None,
                        "to": {"user_id": people.candidate.id, "participant_role": "candidate"},
                    }
                },
            ),
            (5, "interview.started", admin, None, {"status": {"from": "scheduled", "to": "ongoing"}}),
            (
                6,
                "interview.participant_removed",
                admin,
                None,
                {
                    "participant": {
                        "from": {"user_id": people.candidate.id, "participant_role": "candidate"},
                        "to": None,
                    }
                },
            ),
            (7, "interview.completed", interviewer, "All said", {"status": {"from": "ongoing", "to": "completed"}}),
        ]
        assert {tuple(e) for e in entries} == {("rev", "type", "at", "actor", "actor_role", "reason", "changes")}
        assert {e["at"] for e in entries} == {interview["created_at"]}

    async def test_what_was_left_out_is_not_recorded(self, client: httpx.AsyncClient, people: People) -> None:
        """The first entry names the details that were decided, defaults included, and no empty ones."""
        [entry] = await history(client, people, await create_interview(client, people.admin))
        details = {"title", "interview_type", "scheduled_at", "duration_minutes", "time_zone", "ends_at"}
        assert entry["changes"].keys() == details

    async def test_every_type_is_declared(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Each type in a history is one of the declared events, and each declared event happens."""
        lived, cancelled = await whole_life(client, people), await create_interview(client, people.admin)
        body = {"status": "cancelled"}
        await client.patch(f"{address_of(cancelled)}/status", json=body, headers=people.admin.headers)
        recorded = {e["type"] for i in (lived, cancelled) for e in await history(client, people, i)}
        assert recorded == {event.name for event in INTERVIEW_EVENTS}
        assert recorded <= app.state.parley.events.types.keys()

    async def test_no_person_is_named(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Neither the answer nor the log contains an e-mail address or a name."""
        interview = await whole_life(client, people)
        answer = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
        entries = await logged(app, interview["id"])
        for person in (people.admin, people.interviewer, people.candidate):
            for text in (answer.text, str(entries)):
                assert person.user.email not in text
                assert str(person.user.name) not in text
                assert person.id in text

    async def test_long_texts_as_digests(self, client: httpx.AsyncClient, people: People) -> None:
        """A long text is recorded as its length and SHA-256 alone, a short one as it is."""
        long, short = "Lörem " * 60, "x" * 200
        interview = await create_interview(client, people.admin, description=long)
        await client.patch(address_of(interview), json={"description": short}, headers=people.admin.headers)
        digest = {"length": 360, "sha256": hashlib.sha256(long.encode()).hexdigest()}
        first, second = [e["changes"]["description"] for e in await history(client, people, interview)]
        assert first == {"from": None, "to": digest}
        assert second == {"from": digest, "to": short}

    async def test_audience(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """The audience of an event, before and after it, is logged with it and not shown."""
        interview = await whole_life(client, people)
        entries = await logged(app, interview["id"])
        alone, both = {people.interviewer.id}, {people.interviewer.id, people.candidate.id}
        audiences = [set(entry.audience) for entry in entries]
        assert audiences == [alone, alone, alone, both, both, both, alone]
        assert [entry.request_id for entry in entries][1:-1] == ["request-7"] * 5
        answer = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
        assert "audience" not in answer.text


class TestPages:
    async def test_oldest_first(self, client: httpx.AsyncClient, people: People) -> None:
        """Pages hold the entries in order; `next` and `Link` lead to the last page, and pages after it are empty."""
        interview = await whole_life(client, people)
        address = f"{address_of(interview)}/history"
        revs: list[int] = []
        async for answer in walk(client, f"{address}?limit=3", headers=people.admin.headers):
            page = answer.json()
            assert (page["total"], page["limit"], page["offset"]) == (7, 3, len(revs))
            assert links_of(answer).get("next") == (f"http://test{page['next']}" if page["next"] else None)
            revs += [entry["rev"] for entry in page["items"]]
        assert revs == [1, 2, 3, 4, 5, 6, 7]
        beyond = (await client.get(f"{address}?offset=7", headers=people.admin.headers)).json()
        assert (beyond["items"], beyond["total"], beyond["next"]) == ([], 7, None)

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("limit=0", "validation_error"),
            ("limit=101", "validation_error"),
            ("offset=-1", "validation_error"),
            ("offset=9999999999999999999999", "validation_error"),
            ("sort=-rev", "invalid_filter"),
        ],
    )
    async def test_bad_queries(self, client: httpx.AsyncClient, people: People, query: str, code: str) -> None:
        """Bad values and unknown parameters are refused."""
        interview = await create_interview(client, people.admin)
        answer = await client.get(f"{address_of(interview)}/history?{query}", headers=people.admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, code)

    async def test_farthest_offset(self, client: httpx.AsyncClient, people: People) -> None:
        """The largest offset that is taken is beyond the end like any other."""
        interview = await create_interview(client, people.admin)
        answer = await client.get(f"{address_of(interview)}/history?offset={2**31 - 1}", headers=people.admin.headers)
        assert (answer.json()["items"], answer.json()["total"]) == ([], 1)


class TestDense:
    async def test_everything_at_once(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """After many concurrent changes of all kinds revs are dense, and every accepted change has one entry."""
        admin, accounts = people.admin.headers, [await an_account(app, "candidate") for _ in range(8)]
        for _ in range(3):
            interview = await create_interview(client, people.admin, *accounts[:4])
            address = address_of(interview)
            requests = [
                *(("PATCH", "", {"title": f"Title {n}"}) for n in range(5)),
                *(("PATCH", "", {"duration_minutes": 100 + n}) for n in range(5)),
                *(("POST", "/participants", {"user_id": account.id}) for account in accounts),
                *(("DELETE", f"/participants/{account.id}", None) for account in accounts),
                *(("PATCH", "/status", {"status": status}) for status in ("ongoing", "completed", "ongoing")),
            ]
            sent = (client.request(method, address + rest, json=body, headers=admin) for method, rest, body in requests)
            answers = await asyncio.gather(*sent)
            entries = await history(client, people, interview)
            assert [e["rev"] for e in entries] == list(range(1, len(entries) + 1))
            assert len(entries) == 1 + sum(a.is_success for a in answers)
            now = (await client.get(address, headers=admin)).json()
            assert now["rev"] == len(entries)
            assert now["schedule_version"] == [e["type"] for e in entries].count("interview.rescheduled")
            assert {a.status_code for a in answers} <= {200, 201, 204, 400, 404}

    async def test_state_is_what_the_history_tells(
        self, app: FastAPI, client: httpx.AsyncClient, people: People
    ) -> None:
        """Replaying the history gives the state: details, status and participants."""
        accounts = [await an_account(app) for _ in range(5)]
        interview = await create_interview(client, people.admin, *accounts[:2])
        address, admin = address_of(interview), people.admin.headers
        requests = [
            *(("PATCH", "", {"title": f"Title {n}", "location": f"Room {n}"}) for n in range(6)),
            *(("POST", "/participants", {"user_id": account.id}) for account in accounts),
            *(("DELETE", f"/participants/{account.id}", None) for account in accounts),
            ("PATCH", "/status", {"status": "ongoing"}),
        ]
        await asyncio.gather(*(client.request(m, address + p, json=b, headers=admin) for m, p, b in requests))
        state: dict[str, Any] = {"status": "scheduled"}
        members: set[str] = set()
        for entry in await history(client, people, interview):
            for name, change in entry["changes"].items():
                if name == "participants":
                    members = {p["user_id"] for p in change["to"]}
                elif name == "participant":
                    members |= {change["to"]["user_id"]} if change["to"] else set()
                    members -= {change["from"]["user_id"]} if change["from"] else set()
                else:
                    assert state.get(name, change["from"]) == change["from"]
                    state[name] = change["to"]
        now = (await client.get(address, headers=admin)).json()
        assert {name: now[name] for name in state} == state
        listed = (await client.get(f"{address}/participants", headers=admin)).json()["items"]
        assert {p["user_id"] for p in listed} == members
