"""`Idempotency-Key` with POST /interviews: a request whose answer was lost is repeated and creates nothing twice."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core import Database
from parley_core.testing import MovableClock
from parley_interviews.testing import address_of, an_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

AT_ONCE = 20
DAY = timedelta(hours=24)


def a_key() -> str:
    return str(uuid.uuid4())


async def post(client: httpx.AsyncClient, caller: Account, key: str | None, **changes: Any) -> httpx.Response:
    headers = caller.headers if key is None else caller.headers | {"Idempotency-Key": key}
    return await client.post("/v1/interviews", json=an_interview(**changes), headers=headers)


class TestRepeat:
    async def test_same_interview(self, client: httpx.AsyncClient, people: People) -> None:
        """A repeat is 200 with the interview as it is now, with its address and tag."""
        key = a_key()
        created = await post(client, people.admin, key)
        await client.patch(address_of(created.json()), json={"location": "Room 5"}, headers=people.admin.headers)
        again = await post(client, people.admin, key)
        assert (created.status_code, again.status_code) == (201, 200)
        read = await client.get(again.headers["Location"], headers=people.admin.headers)
        assert (again.content, again.headers["ETag"]) == (read.content, read.headers["ETag"])
        assert (again.json()["id"], again.json()["rev"]) == (created.json()["id"], 2)

    async def test_same_body_in_other_spelling(self, client: httpx.AsyncClient, people: People) -> None:
        """What says the same is the same body: another order of members, another offset, a default in full."""
        key, people_ = a_key(), [{"user_email": people.candidate.user.email}]
        await post(client, people.admin, key, participants=people_)
        body = {
            "participants": [{"user_email": people.candidate.user.email.upper(), "participant_role": None}],
            **an_interview(scheduled_at="2027-03-05T11:30:00+02:00", duration_minutes=60, notes=None),
        }
        headers = people.admin.headers | {"Idempotency-Key": key}
        assert (await client.post("/v1/interviews", json=body, headers=headers)).status_code == 200

    @pytest.mark.parametrize(
        "changes",
        [
            {"title": "Another"},
            {"duration_minutes": 61},
            {"notes": "Internal"},
            {"external_id": "ats:1"},
            {"participants": [{"user_id": "0" * 24}]},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    async def test_other_body(
        self, client: httpx.AsyncClient, people: People, database: Database, changes: dict[str, Any]
    ) -> None:
        """The same key with another body is refused and creates nothing."""
        key = a_key()
        await post(client, people.admin, key)
        before = await database["interviews"].count_documents({})
        answer = await post(client, people.admin, key, **changes)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_reused")
        assert await database["interviews"].count_documents({}) == before

    async def test_busy_by_itself(self, client: httpx.AsyncClient, people: People) -> None:
        """A repeat that refuses overlaps doesn't overlap what it has created itself, also at the same moment."""
        key, mine = a_key(), [{"user_id": people.interviewer.id}]
        body = {"participants": mine, "on_conflict": "refuse"}
        answers = await asyncio.gather(*(post(client, people.admin, key, **body) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
        assert (await post(client, people.admin, key, **body)).status_code == 200
        assert (await post(client, people.admin, a_key(), **body)).json()["code"] == "schedule_conflict"

    async def test_keys_of_others(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Each caller has keys of their own."""
        key, other = a_key(), await an_account(app, "admin")
        answers = [await post(client, caller, key) for caller in (people.admin, other)]
        assert [answer.status_code for answer in answers] == [201, 201]

    async def test_refused_claims_nothing(self, client: httpx.AsyncClient, people: People) -> None:
        """A request that is refused leaves its key free, for a mended body too."""
        key = a_key()
        assert (await post(client, people.admin, key, participants=[{"user_id": "0" * 24}])).status_code == 404
        assert (await post(client, people.admin, key, title=" ")).status_code == 400
        assert (await post(client, people.admin, key)).status_code == 201

    async def test_without(self, client: httpx.AsyncClient, people: People) -> None:
        """Without a key equal requests create different interviews, and nothing is claimed."""
        first, second = [(await post(client, people.admin, None)).json() for _ in range(2)]
        assert first["id"] != second["id"]

    @pytest.mark.parametrize("key", ["", " ", "a b", "a" * 129, "ключ".encode(), b"a\x7f"], ids=ascii)
    async def test_malformed(self, client: httpx.AsyncClient, people: People, key: str | bytes) -> None:
        """A key is 1 to 128 visible ASCII characters, as for refresh tokens."""
        headers = {**people.admin.headers, "Idempotency-Key": key}
        answer = await client.post("/v1/interviews", json=an_interview(), headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "?Idempotency-Key")

    async def test_given_twice(self, client: httpx.AsyncClient, people: People) -> None:
        """Two keys are refused."""
        headers = [*people.admin.headers.items(), ("Idempotency-Key", "a"), ("idempotency-key", "a")]
        answer = await client.post("/v1/interviews", json=an_interview(), headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "?Idempotency-Key")


class TestLifetime:
    async def test_a_day(
        self, client: httpx.AsyncClient, people: People, clock: MovableClock, database: Database
    ) -> None:
        """A key counts for 24 hours; then it is free, although MongoDB may not have deleted it yet."""
        key, now, claims = a_key(), clock(), database["interview_claims"]
        first = (await post(client, people.admin, key)).json()
        [claim] = await claims.find({"interview_id": first["id"]}).to_list()
        assert claim["expires_at"] == now + DAY
        for left in (timedelta(milliseconds=1), timedelta()):
            await claims.update_one({"interview_id": first["id"]}, {"$set": {"expires_at": now + left}})
            answer = await post(client, people.admin, key)
            assert (answer.json()["id"] == first["id"]) == (answer.status_code == 200) == bool(left)
        assert (await post(client, people.admin, key, title="Another")).json()["code"] == "idempotency_key_reused"
        assert await claims.count_documents({"_id": {"$regex": key}}) == 1
        [index] = [one async for one in await claims.list_indexes() if one["name"] == "forget"]
        assert (dict(index["key"]), index["expireAfterSeconds"]) == ({"expires_at": 1}, 0)


class TestAtOnce:
    async def test_one_interview(
        self, deployment: Deployment, client: httpx.AsyncClient, people: People, database: Database
    ) -> None:
        """Of 20 requests at once over two workers one creates the interview; the others get the same bytes."""
        key, title = a_key(), f"Engineer {uuid.uuid4().hex}"
        async with deployment.worker() as other:
            requests = [post((client, other)[n % 2], people.admin, key, title=title) for n in range(AT_ONCE)]
            answers = await asyncio.gather(*requests)
        assert sorted(answer.status_code for answer in answers) == [200] * (AT_ONCE - 1) + [201]
        assert len({(a.content, a.headers["Location"], a.headers["ETag"]) for a in answers}) == 1
        assert await database["interviews"].count_documents({"title": title}) == 1

    async def test_other_bodies(self, client: httpx.AsyncClient, people: People) -> None:
        """Of different bodies with one key at once one creates an interview; the others are refused."""
        key = a_key()
        answers = await asyncio.gather(*(post(client, people.admin, key, title=f"Title {n}") for n in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400]
        assert {a.json()["code"] for a in answers if a.is_error} == {"idempotency_key_reused"}

    async def test_without_the_claim_there_are_many(
        self, client: httpx.AsyncClient, people: People, database: Database
    ) -> None:
        """Negative control: what is counted above sees interviews that are created twice."""
        title = f"Engineer {uuid.uuid4().hex}"
        await asyncio.gather(*(post(client, people.admin, a_key(), title=title) for _ in range(3)))
        assert await database["interviews"].count_documents({"title": title}) == 3


class TestWithExternalId:
    async def test_both(self, client: httpx.AsyncClient, people: People) -> None:
        """Either of the two finds the interview; the key belongs to it too then."""
        external_id, first, second = f"ats:{a_key()}", a_key(), a_key()
        created = await post(client, people.admin, first, external_id=external_id)
        for key in (first, second, None):
            again = await post(client, people.admin, key, external_id=external_id)
            assert (again.status_code, again.content) == (200, created.content)
        reused = await post(client, people.admin, second, title="Another")
        assert reused.json()["code"] == "idempotency_key_reused"

    async def test_both_at_once(self, client: httpx.AsyncClient, people: People) -> None:
        """Requests at once that share the id, the key or both create one interview."""
        external_id, key = f"ats:{a_key()}", a_key()
        keys = [key, None, key, a_key(), None, key, a_key()]
        answers = await asyncio.gather(*(post(client, people.admin, one, external_id=external_id) for one in keys))
        assert sorted(answer.status_code for answer in answers) == [200] * 6 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1


async def test_documented(app: FastAPI) -> None:
    """OpenAPI names the header, and the answer to a repeat with its headers."""
    operation = app.openapi()["paths"]["/v1/interviews"]["post"]
    [key] = [parameter for parameter in operation["parameters"] if parameter["in"] == "header"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", False)
    for status in ("200", "201"):
        assert {"Location", "ETag"} <= operation["responses"][status]["headers"].keys()
