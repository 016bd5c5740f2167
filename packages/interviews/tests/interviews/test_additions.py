"""New interviews that are stored together: few transactions, an outcome for each, exact totals, lists at once fresh."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
import parley_interviews.plugin
from parley_auth.testing import an_account, auth_settings
from parley_core import Actor, Database, Event, Parley, new_id
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import NOON, an_application, running_client
from parley_interviews.events import INTERVIEW_CREATED
from parley_interviews.interviews.additions import InterviewAdditions
from parley_interviews.interviews.repository import NewInterview
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.models import Interview, Status
from parley_interviews.testing import address_of, an_interview

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from conftest import People

    from parley_auth.testing import Account
    from parley_core.testing.metrics import Metrics

MANY = 32
GROUPS = "parley.interviews.group.size"


async def create_as(client: httpx.AsyncClient, admin: Account, number: int, **changes: Any) -> httpx.Response:
    headers = admin.headers | {"X-Request-ID": f"request-{number}"}
    return await client.post("/v1/interviews", json=an_interview(title=f"Number {number}", **changes), headers=headers)


async def commands_of(database: Database, work: Callable[[], Awaitable[Any]]) -> tuple[Any, Counter[str]]:
    """Return what `work` returns, and how often which command was sent to which collection, the relay's look apart."""
    await database["system.profile"].drop()
    await database.command("profile", 2)
    try:
        result = await work()
    finally:
        await database.command("profile", 0)
    seen = await database["system.profile"].find({}).to_list()
    seen = [entry for entry in seen if "history.0.rev" not in entry["command"].get("filter", {})]
    return result, Counter(f"{entry['op']} {entry['ns'].partition('.')[2]}" for entry in seen)


def a_new_interview(title: str) -> NewInterview:
    interview = Interview(
        id=new_id(),
        title=title,
        interview_type="technical",
        scheduled_at=NOON,
        duration_minutes=60,
        ends_at=NOON + timedelta(hours=1),
        time_zone="UTC",
        description=None,
        notes=None,
        location=None,
        external_id=None,
        status=Status.SCHEDULED,
        rev=1,
        schedule_version=0,
        created_by=new_id(),
        created_at=NOON,
        updated_at=NOON,
    )
    actor = Actor("ada", "admin", "trace-7")
    event = Event(type=INTERVIEW_CREATED, at=NOON, actor=actor, changes={}, audience=())
    return NewInterview(interview, (), event)


class TestTogether:
    async def test_few_transactions(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Creates that come at the same time are stored by few commands; those that need their own have their own."""

        async def creates(*, named: bool = False) -> list[httpx.Response]:
            changes = [{"external_id": f"ats:few-{n}"} if named else {} for n in range(MANY)]
            return list(await asyncio.gather(*(create_as(client, people.admin, n, **changes[n]) for n in range(MANY))))

        answers, commands = await commands_of(database, creates)
        assert [answer.status_code for answer in answers] == [201] * MANY
        assert len({answer.json()["id"] for answer in answers}) == MANY
        assert 1 <= commands["insert interviews"] <= 4
        assert 1 <= commands["update interview_totals"] <= 4
        _, alone = await commands_of(database, lambda: creates(named=True))
        assert alone["update interview_totals"] >= MANY

    async def test_each_its_own(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, database: Database
    ) -> None:
        """Each create has its own answer, and its own event with its actor and request, whoever shared with it."""
        other = await an_account(app, "admin")
        admins = (people.admin, other)
        answers = await asyncio.gather(*(create_as(client, admins[n % 2], n) for n in range(MANY)))
        created = {answer.json()["id"]: (n, answer) for n, answer in enumerate(answers)}
        await app.state.parley.require(Relay).drain()
        entries = await database["events"].find({"subject_id": {"$in": list(created)}}).to_list()
        assert len(entries) == len(created) == MANY
        for entry in entries:
            number, answer = created[entry["subject_id"]]
            body = answer.json()
            assert (entry["rev"], entry["type"]) == (1, "interview.created")
            assert (entry["actor"], entry["request_id"]) == (admins[number % 2].id, f"request-{number}")
            assert (body["title"], body["created_by"]) == (f"Number {number}", admins[number % 2].id)
            assert answer.headers["Location"] == f"/v1/interviews/{body['id']}"
        positions = [found["position"] async for found in database["events"].find({}, {"position": 1})]
        assert sorted(positions) == list(range(1, len(positions) + 1))

    async def test_lists_at_once(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever has their answer finds their interview in the next list, whose total counts it."""

        async def create_and_list(number: int) -> tuple[int, int]:
            before = (await client.get("/v1/interviews?limit=1", headers=people.admin.headers)).json()["total"]
            interview = (await create_as(client, people.admin, number)).json()
            page = (await client.get("/v1/interviews?limit=100", headers=people.admin.headers)).json()
            assert interview["id"] in {item["id"] for item in page["items"]}
            return before, page["total"]

        totals = await asyncio.gather(*(create_and_list(number) for number in range(MANY // 2)))
        assert all(after > before for before, after in totals)

    async def test_participants(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Creates that name people share too, and each has its own people and overlaps."""
        everybody = [await an_account(app, "interviewer") for _ in range(4)]
        bodies = [{"participants": [{"user_id": one.id}], "scheduled_at": NOON.isoformat()} for one in everybody]
        answers = await asyncio.gather(*(create_as(client, people.admin, n, **body) for n, body in enumerate(bodies)))
        again = await create_as(client, people.admin, 9, **bodies[0])
        assert again.headers["Parley-Conflicts"] == "1"
        for one, answer in zip(everybody, answers, strict=True):
            assert "Parley-Conflicts" not in answer.headers
            assert (await client.get(address_of(answer.json()), headers=one.headers)).status_code == 200


class TestOneByOne:
    async def test_a_bad_one(self, app: FastAPI, database: Database) -> None:
        """One that can't be stored fails alone; all others are stored and counted."""
        parley: Parley = app.state.parley
        additions, totals = parley.require(InterviewAdditions), parley.require(InterviewTotals)
        before = await totals.all()
        titles = ["first", "second", "\ud800", "fourth", "fifth"]
        new = [a_new_interview(title) for title in titles]
        outcomes = await asyncio.gather(*map(additions.add, new), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [
            UnicodeEncodeError if title == "\ud800" else type(None) for title in titles
        ]
        stored = await database["interviews"].count_documents({"_id": {"$in": [one.interview.id for one in new]}})
        assert (stored, await totals.all()) == (4, before + 4)

    async def test_stored_but_not_invalid(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Where MongoDB refuses what follows the commit, each is 503 and stored once: none is repeated for it."""
        refused = {"n": {"$lt": 0}}
        await database.command("collMod", "cache_generations", validator=refused)
        try:
            answers = await asyncio.gather(*(create_as(client, people.admin, 700 + n) for n in range(8)))
        finally:
            await database.command("collMod", "cache_generations", validator={})
        assert {answer.status_code for answer in answers} == {503}
        titles = {"title": {"$in": [f"Number {700 + n}" for n in range(8)]}}
        assert await database["interviews"].count_documents(titles) == 8

    @pytest.mark.parametrize(
        ("changes", "headers", "groups"),
        [
            pytest.param({}, {}, 1, id="plain"),
            pytest.param({"on_conflict": "refuse"}, {}, 1, id="nobody_to_refuse_for"),
            pytest.param({"external_id": "ats:additions"}, {}, 0, id="external_id"),
            pytest.param({}, {"Idempotency-Key": "additions"}, 0, id="idempotency_key"),
            pytest.param(
                {"participants": [{"user_email": "new-additions@example.com", "invite": True}]}, {}, 0, id="invite"
            ),
        ],
    )
    async def test_alone(
        self,
        client: httpx.AsyncClient,
        people: People,
        metrics: Metrics,
        *,
        changes: dict[str, Any],
        headers: dict[str, str],
        groups: int,
    ) -> None:
        """What has to be decided in a transaction of its own has one."""
        body = an_interview(**changes)
        answer = await client.post("/v1/interviews", json=body, headers=people.admin.headers | headers)
        assert (answer.status_code, metrics.value(GROUPS)) == (201, groups)

    async def test_refusing_overlaps(self, client: httpx.AsyncClient, people: People, metrics: Metrics) -> None:
        """A create that overlaps refuse is alone."""
        participants = [{"user_id": people.interviewer.id}]
        answer = await create_as(client, people.admin, 1, on_conflict="refuse", participants=participants)
        assert (answer.status_code, metrics.value(GROUPS)) == (201, 0)


class TestLookUps:
    async def test_nobody(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Where nobody is named, no account is read but the caller's, and nobody's overlaps are looked for."""
        _, commands = await commands_of(database, lambda: create_as(client, people.admin, 1))
        assert commands["query users"] == 1
        _, named = await commands_of(
            database, lambda: create_as(client, people.admin, 1, participants=[{"user_id": people.interviewer.id}])
        )
        assert named["query users"] > 1

    async def test_changes(self, client: httpx.AsyncClient, people: People, database: Database) -> None:
        """Interviews and accounts that are read for changes at the same time are read together, accounts once."""
        created = await asyncio.gather(*(create_as(client, people.admin, n) for n in range(MANY)))
        addresses, headers = [address_of(answer.json()) for answer in created], people.admin.headers
        person = {"user_id": people.interviewer.id}

        async def change() -> list[httpx.Response]:
            changes = (client.patch(address, json={"title": "Other"}, headers=headers) for address in addresses)
            return list(await asyncio.gather(*changes))

        async def assign() -> list[httpx.Response]:
            posts = (client.post(f"{a}/participants", json=person, headers=headers) for a in addresses)
            return list(await asyncio.gather(*posts))

        answers, commands = await commands_of(database, change)
        assert {answer.status_code for answer in answers} == {200}
        assert commands["query interviews"] < MANY
        answers, commands = await commands_of(database, assign)
        assert {(answer.status_code, answer.json()["email"]) for answer in answers} == {
            (201, people.interviewer.user.email)
        }
        assert commands["query users"] < MANY


async def test_database_is_killed(tmp_path: Path) -> None:
    """Of creates during which MongoDB is killed, those that were acknowledged are there, and what is there counts."""
    mongodb = EmbeddedMongoDB.start(tmp_path)
    core = CoreSettings(mongodb_uri=mongodb.uri, mongodb_database="killed")  # type: ignore[arg-type]
    app = an_application([core, auth_settings()], [parley_auth.plugin, parley_interviews.plugin])
    statuses: Counter[int] = Counter()
    acknowledged: list[str] = []
    enough = asyncio.Event()
    try:
        async with running_client(app) as client:
            admin = await an_account(app, "admin")

            async def create(number: int) -> None:
                while not statuses[503]:
                    answer = await create_as(client, admin, number)
                    statuses[answer.status_code] += 1
                    acknowledged.extend([answer.json()["id"]] if answer.status_code == 201 else [])
                    if len(acknowledged) >= MANY:
                        enough.set()

            writing = asyncio.gather(*(create(number) for number in range(MANY)))
            await enough.wait()
            os.kill(mongodb.pid, signal.SIGKILL)
            await writing
            await asyncio.to_thread(mongodb.stop)
            mongodb = await asyncio.to_thread(EmbeddedMongoDB.start, tmp_path)
            database = app.state.parley.database
            stored = {found["_id"] async for found in database["interviews"].find({}, {"_id": 1})}
            total = await InterviewTotals(database).all()
    finally:
        mongodb.stop()
    assert statuses.keys() == {201, 503}
    assert stored >= set(acknowledged)
    assert total == len(stored)
