"""Notes: who writes them, who sees them, and that nothing else shows them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core.log.relay import Relay
from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from conftest import People

    from parley_core import Database

NOTES = "Weak on indexes\n\tAsk again"
DIGEST = {"length": len(NOTES), "sha256": hashlib.sha256(NOTES.encode()).hexdigest()}


async def patch(client: httpx.AsyncClient, caller: Account, interview: dict[str, Any], **body: Any) -> httpx.Response:
    return await client.patch(address_of(interview), json=body, headers=caller.headers)


class TestWriting:
    async def test_create_change_clear(self, client: httpx.AsyncClient, people: People) -> None:
        """Notes are written when an interview is created, changed by PATCH, and cleared by null."""
        interview = await create_interview(client, people.admin, notes=NOTES)
        assert interview["notes"] == NOTES
        for notes in ("Other", None):
            assert (await patch(client, people.admin, interview, notes=notes)).json()["notes"] == notes
            read = await client.get(address_of(interview), headers=people.admin.headers)
            assert read.json()["notes"] == notes

    async def test_left_out(self, client: httpx.AsyncClient, people: People) -> None:
        """Without notes there are none, and a change of something else keeps those that there are."""
        assert (await create_interview(client, people.admin))["notes"] is None
        interview = await create_interview(client, people.admin, notes=NOTES)
        assert (await patch(client, people.admin, interview, title="Other")).json()["notes"] == NOTES
        unchanged = await patch(client, people.admin, interview, notes=NOTES)
        assert unchanged.json()["rev"] == 2

    @pytest.mark.parametrize("notes", ["", " \n", "x" * 5001, "a\x00b", 7, ["x"], {"$set": "x"}])
    async def test_refused(self, client: httpx.AsyncClient, people: People, notes: object) -> None:
        """Blank and over-long notes, control characters and other types are refused, on both ways."""
        interview = await create_interview(client, people.admin)
        refused = await patch(client, people.admin, interview, notes=notes)
        assert (refused.status_code, refused.json()["code"]) == (400, "validation_error")
        assert refused.json()["errors"][0]["pointer"] == "#/notes"
        longest = await patch(client, people.admin, interview, notes="x" * 5000)
        assert longest.status_code == 200

    async def test_no_operator(self, client: httpx.AsyncClient, people: People) -> None:
        """Notes are taken as they are, whatever MongoDB would make of them."""
        interview = await create_interview(client, people.admin, notes="$description", description="secret")
        assert interview["notes"] == "$description"
        assert (await patch(client, people.admin, interview, notes="$$ROOT")).json()["notes"] == "$$ROOT"


class TestHistory:
    async def test_digests(self, client: httpx.AsyncClient, people: People) -> None:
        """The history has the length and SHA-256 of notes, however short they are."""
        interview = await create_interview(client, people.admin, people.interviewer, notes=NOTES)
        await patch(client, people.admin, interview, notes=None)
        for viewer in (people.admin, people.interviewer):
            answer = await client.get(f"{address_of(interview)}/history", headers=viewer.headers)
            created, cleared = answer.json()["items"]
            assert created["changes"]["notes"] == {"from": None, "to": DIGEST}
            assert cleared["changes"] == {"notes": {"from": DIGEST, "to": None}}

    async def test_candidates(self, client: httpx.AsyncClient, people: People) -> None:
        """A candidate's history has the entry of changed notes, without a trace of them."""
        interview = await create_interview(client, people.admin, people.candidate, notes=NOTES)
        await patch(client, people.admin, interview, notes="Strong")
        answer = await client.get(f"{address_of(interview)}/history", headers=people.candidate.headers)
        created, changed = answer.json()["items"]
        assert "notes" not in created["changes"]
        assert (changed["type"], changed["changes"]) == ("interview.updated", {})

    async def test_the_log(self, app: FastAPI, client: httpx.AsyncClient, database: Database, people: People) -> None:
        """No event of the log contains notes, since an interview's candidate may be an administrator."""
        interview = await create_interview(client, people.admin, notes=NOTES)
        await patch(client, people.admin, interview, notes="A clear no")
        await app.state.parley.require(Relay).drain()
        events = await database["events"].find({"subject_id": interview["id"]}).to_list()
        assert len(events) == 2
        assert all(text not in str(events) for text in ("Weak on", "A clear no"))


class TestViewers:
    async def test_each(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Administrators and the interview's interviewers see notes and its candidates null, in detail and list."""
        boss, employee = await an_account(app, "admin"), await an_account(app, "interviewer")
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate, notes=NOTES)
        for account in (boss, employee):
            body = {"user_id": account.id, "participant_role": "candidate"}
            added = await client.post(f"{address_of(interview)}/participants", json=body, headers=people.admin.headers)
            assert added.status_code == 201, added.text
        viewers = [
            (people.admin, None, NOTES),
            (people.interviewer, "interviewer", NOTES),
            (people.candidate, "candidate", None),
            (boss, "candidate", None),
            (employee, "candidate", None),
        ]
        for _ in range(2):
            for viewer, role, notes in viewers:
                detail = (await client.get(address_of(interview), headers=viewer.headers)).json()
                listing = await client.get("/v1/interviews?limit=100", headers=viewer.headers)
                [item] = [item for item in listing.json()["items"] if item["id"] == interview["id"]]
                assert item == detail
                assert (detail["my_role"], detail["notes"]) == (role, notes)

    async def test_items_of_one_list(self, client: httpx.AsyncClient, people: People) -> None:
        """Each item of one list is shown by the caller's part in that very interview."""
        as_interviewer = await create_interview(client, people.admin, people.interviewer, notes="one")
        as_candidate = await create_interview(client, people.admin, notes="two")
        body = {"user_id": people.interviewer.id, "participant_role": "candidate"}
        await client.post(f"{address_of(as_candidate)}/participants", json=body, headers=people.admin.headers)
        for _ in range(2):
            items = (await client.get("/v1/interviews", headers=people.interviewer.headers)).json()["items"]
            assert {i["id"]: (i["my_role"], i["notes"], i["allowed_transitions"]) for i in items} == {
                as_interviewer["id"]: ("interviewer", "one", ["ongoing"]),
                as_candidate["id"]: ("candidate", None, []),
            }

    async def test_answers_of_writes(self, client: httpx.AsyncClient, people: People) -> None:
        """Creating, changing and starting answer the caller's own part, the creator's included."""
        interview = await create_interview(client, people.admin, people.admin, people.interviewer, notes=NOTES)
        assert interview["my_role"] == "interviewer"
        assert (await patch(client, people.admin, interview, title="Other")).json()["my_role"] == "interviewer"
        body = {"status": "ongoing"}
        started = await client.patch(f"{address_of(interview)}/status", json=body, headers=people.interviewer.headers)
        assert (started.json()["my_role"], started.json()["notes"]) == ("interviewer", NOTES)

    @pytest.mark.parametrize("notes", [NOTES, None])
    async def test_entity_tag(self, app: FastAPI, client: httpx.AsyncClient, people: People, notes: str | None) -> None:
        """Whoever gains or loses the right to see notes gets the other answer, not 304, where nothing else differs."""
        employee = await an_account(app, "interviewer")
        interview = await create_interview(client, people.admin, employee, notes=notes)
        body = {"status": "cancelled"}
        await client.patch(f"{address_of(interview)}/status", json=body, headers=people.admin.headers)
        etag, seen = "", {}
        for role in ("interviewer", "candidate", "interviewer"):
            await client.patch(f"/v1/users/{employee.id}", json={"role": role}, headers=people.admin.headers)
            answer = await client.get(
                address_of(interview), headers={**employee.headers, "If-None-Match": etag or '"x"'}
            )
            assert answer.status_code == 200
            assert answer.headers["ETag"] != etag
            etag, seen[role] = answer.headers["ETag"], answer.json()
            known = await client.get(address_of(interview), headers={**employee.headers, "If-None-Match": etag})
            assert known.status_code == 304
        assert seen["candidate"]["notes"] is None
        assert seen["interviewer"]["notes"] == notes
