"""External ids over HTTP: one interview for each, however often and by whomever it is sent."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from parley_auth.testing import an_account
from parley_core import Database
from parley_interviews.interviews.schemas import ExternalId
from parley_interviews.testing import address_of, an_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

AT_ONCE = 20
ACCEPTED = ["1", "ats:application/4711", "x" * 128, "$where", "a.b", "{}", "Bewerbung-für-ü", "候補者", "🎈" * 128]
REFUSED: list[Any] = [
    *("", " ", "a b", " a", "a ", "x" * 129, "a\nb", "a\n", "a\tb", "a\x00", "a\x7f", "\u200b", "a\u200bb", "a\u202eb"),
    *("e\u0301", "\u00a0", "\u2800", "a\ufeff", "\ud800", 1, True, {"$ne": None}, ["a"]),
]


def an_external_id() -> str:
    return f"ats:{uuid.uuid4()}"


async def post(client: httpx.AsyncClient, people: People, external_id: Any, **changes: Any) -> httpx.Response:
    body = an_interview(external_id=external_id, **changes)
    # Escaped, so that a lone surrogate can be sent.
    headers = {**people.admin.headers, "Content-Type": "application/json"}
    return await client.post("/v1/interviews", content=json.dumps(body), headers=headers)


async def listed(client: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> list[str]:
    answer = await client.get("/v1/interviews", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["items"])
    return [item["id"] for item in answer.json()["items"]]


class TestValues:
    @pytest.mark.parametrize("external_id", ACCEPTED, ids=ascii)
    async def test_accepted(self, client: httpx.AsyncClient, people: People, external_id: str) -> None:
        """Any 1 to 128 visible characters are answered as sent, in the answer, the detail, the list and the history."""
        created = await post(client, people, external_id)
        assert created.status_code == 201, created.text
        interview, headers = created.json(), people.admin.headers
        assert interview["external_id"] == external_id
        assert (await client.get(address_of(interview), headers=headers)).content == created.content
        assert await listed(client, headers, external_id=external_id) == [interview["id"]]
        [entry] = (await client.get(f"{address_of(interview)}/history", headers=headers)).json()["items"]
        assert entry["changes"]["external_id"] == {"from": None, "to": external_id}

    @pytest.mark.parametrize("external_id", REFUSED, ids=ascii)
    async def test_refused(self, client: httpx.AsyncClient, people: People, external_id: Any) -> None:
        """Anything else is malformed input, in a body and as a filter."""
        answer = await post(client, people, external_id)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert answer.json()["errors"][0]["pointer"] in {"#/external_id", "#"}
        if isinstance(external_id, str) and external_id.isprintable():
            answer = await client.get(
                "/v1/interviews", params={"external_id": external_id}, headers=people.admin.headers
            )
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "?external_id")

    async def test_schema(self, app: FastAPI) -> None:
        """Every character that the document's pattern takes is accepted."""
        [given, _] = app.openapi()["components"]["schemas"]["InterviewCreate"]["properties"]["external_id"]["anyOf"]
        pattern, accepted = re.compile(given["pattern"]), TypeAdapter(ExternalId)
        allowed = [chr(code) for code in range(0x10000) if pattern.fullmatch(chr(code))]
        assert {"a", "/", "ü", "字"} < set(allowed)
        for character in allowed:
            accepted.validate_python(character)

    async def test_absent(self, client: httpx.AsyncClient, people: People) -> None:
        """Without one, or with null, each request creates an interview; its history doesn't name the field."""
        answers = [await post(client, people, None) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert {answer.json()["external_id"] for answer in answers} == {None}
        assert answers[0].json()["id"] != answers[1].json()["id"]
        history = await client.get(f"{address_of(answers[0].json())}/history", headers=people.admin.headers)
        assert "external_id" not in history.json()["items"][0]["changes"]

    async def test_in_every_byte(self, client: httpx.AsyncClient, people: People) -> None:
        """Ids are compared as they are written: case and width of letters count."""
        written = an_external_id()
        answers = [
            await post(client, people, one) for one in (written, written.upper(), written.replace("a", "\uff41"))
        ]
        assert [answer.status_code for answer in answers] == [201, 201, 201]


class TestKnown:
    async def test_answers_the_interview(self, client: httpx.AsyncClient, people: People) -> None:
        """A known one is 200 with its interview as it is now, whatever else the body says; nothing changes."""
        external_id = an_external_id()
        mine = [{"user_id": people.interviewer.id}]
        created = await post(client, people, external_id, participants=mine)
        interview = created.json()
        await client.patch(address_of(interview), json={"title": "Renamed"}, headers=people.admin.headers)
        again = await post(client, people, external_id, title="Another", participants=[{"user_id": "0" * 24}])
        assert again.status_code == 200, again.text
        read = await client.get(again.headers["Location"], headers=people.admin.headers)
        assert (again.content, again.headers["ETag"]) == (read.content, read.headers["ETag"])
        assert (again.json()["id"], again.json()["title"], again.json()["rev"]) == (interview["id"], "Renamed", 2)
        assert again.headers["Location"] == created.headers["Location"]
        assert await listed(client, people.interviewer.headers) == [interview["id"]]

    @pytest.mark.parametrize("status", ["ongoing", "completed", "cancelled"])
    async def test_in_any_status(self, client: httpx.AsyncClient, people: People, status: str) -> None:
        """It stays known when its interview is over."""
        external_id = an_external_id()
        interview = (await post(client, people, external_id)).json()
        for step in {"ongoing": ["ongoing"], "completed": ["ongoing", "completed"]}.get(status, ["cancelled"]):
            await client.patch(f"{address_of(interview)}/status", json={"status": step}, headers=people.admin.headers)
        again = await post(client, people, external_id)
        assert (again.status_code, again.json()["id"], again.json()["status"]) == (200, interview["id"], status)

    async def test_by_another_administrator(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """It is everybody's: another administrator gets the interview as they see it, as its candidate too."""
        external_id, other = an_external_id(), await an_account(app, "admin")
        body = an_interview(external_id=external_id, notes="Internal")
        body["participants"] = [{"user_id": other.id, "participant_role": "candidate"}]
        await client.post("/v1/interviews", json=body, headers=people.admin.headers)
        again = await client.post("/v1/interviews", json=body, headers=other.headers)
        seen = again.json()
        assert (again.status_code, seen["my_role"], seen["notes"]) == (200, "candidate", None)
        assert seen["created_by"] == people.admin.id

    @pytest.mark.parametrize("who", ["interviewer", "candidate"])
    async def test_who_may_not_create(self, client: httpx.AsyncClient, people: People, who: str) -> None:
        """Whoever may not create interviews learns nothing about ids, whether they are known or not."""
        external_id = an_external_id()
        await post(client, people, external_id)
        bodies = [an_interview(external_id=one) for one in (external_id, an_external_id())]
        headers = getattr(people, who).headers
        answers = [await client.post("/v1/interviews", json=body, headers=headers) for body in bodies]
        assert {(a.status_code, a.json()["code"]) for a in answers} == {(403, "permission_denied")}

    async def test_refused_claims_nothing(self, client: httpx.AsyncClient, people: People) -> None:
        """A request that is refused leaves its id free."""
        external_id = an_external_id()
        refused = await post(client, people, external_id, participants=[{"user_id": "0" * 24}])
        assert refused.status_code == 404
        assert (await post(client, people, external_id)).status_code == 201

    async def test_interview_is_gone(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Where only a part of the database was restored, an id whose interview is missing is 404, not an error."""
        external_id = an_external_id()
        interview = (await post(client, people, external_id)).json()
        await database["interviews"].delete_one({"_id": interview["id"]})
        answer = await post(client, people, external_id)
        assert (answer.status_code, answer.json()["code"]) == (404, "interview_not_found")


class TestAtOnce:
    async def test_one_interview(
        self, deployment: Deployment, client: httpx.AsyncClient, people: People, database: Database
    ) -> None:
        """Of 20 requests at once over two workers one creates the interview; the others get the same bytes."""
        external_id = an_external_id()
        person = {"user_email": f"{uuid.uuid4().hex}@example.com", "invite": True}
        async with deployment.worker() as other:
            requests = [
                post((client, other)[n % 2], people, external_id, title="One", participants=[person])
                for n in range(AT_ONCE)
            ]
            answers = await asyncio.gather(*requests)
        assert sorted(answer.status_code for answer in answers) == [200] * (AT_ONCE - 1) + [201]
        assert len({(a.content, a.headers["Location"], a.headers["ETag"]) for a in answers}) == 1
        assert await database["interviews"].count_documents({"external_id": external_id}) == 1
        assert await database["users"].count_documents({"email": person["user_email"]}) == 1

    async def test_totals(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """The total of all interviews counts each once."""
        await asyncio.gather(*(post(client, people, external_id) for external_id in [an_external_id()] * 5))
        page = await client.get("/v1/interviews?limit=1", headers=people.admin.headers)
        assert page.json()["total"] == await database["interviews"].count_documents({})


class TestFilter:
    async def test_candidates_read_it(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever reads an interview reads its external id, in the history too: what can be filtered by is shown."""
        external_id, headers = an_external_id(), people.candidate.headers
        interview = (await post(client, people, external_id, participants=[{"user_id": people.candidate.id}])).json()
        assert (await client.get(address_of(interview), headers=headers)).json()["external_id"] == external_id
        [entry] = (await client.get(f"{address_of(interview)}/history", headers=headers)).json()["items"]
        assert entry["changes"]["external_id"]["to"] == external_id

    async def test_own_interviews_alone(self, client: httpx.AsyncClient, people: People) -> None:
        """Participants find their interview by it; others find nothing."""
        external_id = an_external_id()
        interview = (await post(client, people, external_id, participants=[{"user_id": people.candidate.id}])).json()
        assert await listed(client, people.candidate.headers, external_id=external_id) == [interview["id"]]
        assert await listed(client, people.interviewer.headers, external_id=external_id) == []
        assert await listed(client, people.admin.headers, external_id=an_external_id()) == []

    @pytest.mark.parametrize("sort", ["created_at", "-updated_at", "title,-scheduled_at", "status"])
    async def test_with_others(self, client: httpx.AsyncClient, people: People, sort: str) -> None:
        """It goes together with other filters and every order."""
        external_id = an_external_id()
        interview = (await post(client, people, external_id)).json()
        query = {"external_id": external_id, "sort": sort}
        headers = people.admin.headers
        assert await listed(client, headers, **query, status="scheduled", q="backend") == [interview["id"]]
        assert await listed(client, headers, **query, status="cancelled") == []

    async def test_shown_at_once(self, client: httpx.AsyncClient, people: People) -> None:
        """A list that was empty when it was asked first has the interview as soon as it is created."""
        external_id = an_external_id()
        assert await listed(client, people.admin.headers, external_id=external_id) == []
        interview = (await post(client, people, external_id)).json()
        assert await listed(client, people.admin.headers, external_id=external_id) == [interview["id"]]

    async def test_once(self, client: httpx.AsyncClient, people: People) -> None:
        """Given twice it is refused, as every parameter with one value."""
        answer = await client.get("/v1/interviews?external_id=a&external_id=b", headers=people.admin.headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "?external_id")


class TestChange:
    async def patch(self, client: httpx.AsyncClient, people: People, interview: Any, **changes: Any) -> httpx.Response:
        return await client.patch(address_of(interview), json=changes, headers=people.admin.headers)

    async def test_given_later(self, client: httpx.AsyncClient, people: People) -> None:
        """An interview that has no external id gets one, which is known from then on; its schedule stays."""
        interview, external_id = (await post(client, people, None)).json(), an_external_id()
        changed = await self.patch(client, people, interview, external_id=external_id, title="Renamed")
        assert changed.status_code == 200, changed.text
        expected = {"external_id": external_id, "title": "Renamed", "rev": 2, "schedule_version": 0}
        assert {name: changed.json()[name] for name in expected} == expected
        again = await post(client, people, external_id)
        assert (again.status_code, again.content) == (200, changed.content)
        history = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
        entry = history.json()["items"][1]
        assert (entry["type"], entry["changes"]["external_id"]["to"]) == ("interview.updated", external_id)

    @pytest.mark.parametrize("kind", ["none", "other"])
    async def test_free_again(self, client: httpx.AsyncClient, people: People, kind: str) -> None:
        """An id that its interview no longer has is free."""
        old, new = an_external_id(), an_external_id() if kind == "other" else None
        interview = (await post(client, people, old)).json()
        assert (await self.patch(client, people, interview, external_id=new)).json()["external_id"] == new
        assert await listed(client, people.admin.headers, external_id=old) == []
        second = await post(client, people, old)
        assert (second.status_code, second.json()["rev"]) == (201, 1)
        assert await listed(client, people.admin.headers, external_id=old) == [second.json()["id"]]

    async def test_of_another_interview(self, client: httpx.AsyncClient, people: People) -> None:
        """An id that another interview has is refused; nothing of the request is done."""
        taken, own = an_external_id(), an_external_id()
        first, second = (await post(client, people, taken)).json(), (await post(client, people, own)).json()
        refused = await self.patch(client, people, second, external_id=taken, title="Renamed")
        assert (refused.status_code, refused.json()["code"]) == (400, "duplicate_external_id")
        assert (await client.get(address_of(second), headers=people.admin.headers)).json() == second
        assert [(await post(client, people, one)).json()["id"] for one in (taken, own)] == [first["id"], second["id"]]

    async def test_same_again(self, client: httpx.AsyncClient, people: People) -> None:
        """Sending the id that the interview has changes nothing."""
        created = await post(client, people, an_external_id())
        same = await self.patch(client, people, created.json(), external_id=created.json()["external_id"])
        assert (same.status_code, same.content) == (200, created.content)

    async def test_at_once(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Of interviews that are given one id at once, and one that is created with it, exactly one has it."""
        external_id = an_external_id()
        interviews = [(await post(client, people, None)).json() for _ in range(6)]
        changes = [self.patch(client, people, interview, external_id=external_id) for interview in interviews]
        *changed, created = await asyncio.gather(*changes, post(client, people, external_id))
        done = [answer for answer in changed if answer.status_code == 200]
        assert len(done) + (created.status_code == 201) == 1
        assert {a.json()["code"] for a in changed if a.is_error} == {"duplicate_external_id"}
        assert await database["interviews"].count_documents({"external_id": external_id}) == 1
        assert await listed(client, people.admin.headers, external_id=external_id) == [created.json()["id"]]

    async def test_two_changes_at_once(self, client: httpx.AsyncClient, people: People) -> None:
        """Ids that are given to one interview at once leave it with one of them; the others are free."""
        interview = (await post(client, people, None)).json()
        ids = [an_external_id() for _ in range(5)]
        answers = await asyncio.gather(*(self.patch(client, people, interview, external_id=one) for one in ids))
        assert {answer.status_code for answer in answers} == {200}
        read = (await client.get(address_of(interview), headers=people.admin.headers)).json()
        assert read["rev"] == 6
        again = {one: (await post(client, people, one)).status_code for one in ids}
        assert again == {one: 200 if one == read["external_id"] else 201 for one in ids}
