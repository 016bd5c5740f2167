"""Changing an interview's details over HTTP: what PATCH means, reschedules, versions and races."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_core import Database
from parley_core.log.relay import Relay
from parley_core.testing import MovableClock
from parley_interviews.testing import address_of, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

    Interview = dict[str, Any]

LATER = "2027-03-09T08:00:00Z"
CHANGES = rounds(14, full=40)  # at once: each round has one winner, and the others decide again


def spelt(instant: datetime) -> str:
    """An instant as answers spell it."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


class Desk:
    """One interview and what its administrator does with it."""

    def __init__(self, client: httpx.AsyncClient, people: People, interview: Interview) -> None:
        self.client = client
        self.headers = people.admin.headers
        self.created = interview
        self.address = address_of(interview)

    async def patch(self, if_match: str | None = None, **changes: Any) -> httpx.Response:
        """Changes details."""
        headers = self.headers if if_match is None else self.headers | {"If-Match": if_match}
        return await self.client.patch(self.address, json=changes, headers=headers)

    async def read(self) -> httpx.Response:
        return await self.client.get(self.address, headers=self.headers)

    async def now(self) -> Interview:
        return dict((await self.read()).json())

    async def history(self) -> list[dict[str, Any]]:
        answer = await self.client.get(f"{self.address}/history?limit=100", headers=self.headers)
        return list(answer.json()["items"])


@pytest.fixture
async def desk(client: httpx.AsyncClient, people: People) -> Desk:
    details = {"description": "Bring a laptop", "location": "Room 4", "time_zone": "Europe/Berlin"}
    return Desk(client, people, await create_interview(client, people.admin, **details))


class TestPatch:
    async def test_changes_what_is_named(self, desk: Desk, clock: MovableClock) -> None:
        """What the body names changes, all else stays, and the answer is what the next read answers."""
        answer = await desk.patch(title=" Frontend engineer ", location="Room 5")
        assert answer.status_code == 200
        changed = {"title": "Frontend engineer", "location": "Room 5", "rev": 2, "updated_at": spelt(clock())}
        assert answer.json() == desk.created | changed
        read = await desk.read()
        assert (read.content, read.headers["ETag"]) == (answer.content, answer.headers["ETag"])

    async def test_null_clears(self, desk: Desk) -> None:
        """Null clears an optional field."""
        answer = await desk.patch(description=None, location=None)
        assert (answer.json()["description"], answer.json()["location"]) == (None, None)
        assert (await desk.history())[-1]["changes"] == {
            "description": {"from": "Bring a laptop", "to": None},
            "location": {"from": "Room 4", "to": None},
        }

    @pytest.mark.parametrize("field", ["title", "interview_type", "scheduled_at", "duration_minutes", "time_zone"])
    async def test_null_clears_nothing_else(self, desk: Desk, field: str) -> None:
        """A field that every interview has can't be cleared."""
        answer = await desk.patch(**{field: None})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert await desk.now() == desk.created

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"title": "Backend engineer"},
            {"title": "  Backend engineer  "},
            {"scheduled_at": "2027-03-05T10:30:00+01:00", "duration_minutes": 60},
            {"reason": "No reason to write"},
            {"reason": None},
        ],
        ids=repr,
    )
    async def test_nothing_changes(self, app: FastAPI, desk: Desk, database: Database, body: dict[str, Any]) -> None:
        """A body that changes nothing is accepted and writes nothing: no rev, no entry, no other byte."""
        await app.state.parley.require(Relay).drain()
        before = await database["interviews"].find_one({"_id": desk.created["id"]})
        answer = await desk.patch(**body)
        assert (answer.status_code, answer.json()) == (200, desk.created)
        assert await database["interviews"].find_one({"_id": desk.created["id"]}) == before

    async def test_only_what_differs_is_recorded(self, desk: Desk) -> None:
        """A field that is sent with its present value isn't recorded as changed."""
        await desk.patch(title="Backend engineer", location="Room 5")
        assert (await desk.history())[-1]["changes"] == {"location": {"from": "Room 4", "to": "Room 5"}}

    @pytest.mark.parametrize("field", ["status", "rev", "id", "created_by", "ends_at", "participants", "x"])
    async def test_foreign_fields(self, desk: Desk, field: str) -> None:
        """Nothing else can be changed here."""
        answer = await desk.patch(**{field: desk.created.get(field, []), "title": "Other"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"#/{field}")
        assert await desk.now() == desk.created

    async def test_a_change_is_found_by_its_new_words(self, desk: Desk) -> None:
        """The filter on words follows the title."""
        await desk.patch(title="Quality of Zürich")
        for words, found in (("zürich", True), ("backend", False)):
            query: dict[str, str | int] = {"q": words, "limit": 100}
            listed = await desk.client.get("/v1/interviews", params=query, headers=desk.headers)
            assert (desk.created["id"] in {i["id"] for i in listed.json()["items"]}) is found

    async def test_updated_at(self, desk: Desk, clock: MovableClock) -> None:
        """`updated_at` is the time of the last change, `created_at` stays."""
        clock.move(timedelta(seconds=90))
        moved = (await desk.patch(scheduled_at=LATER)).json()
        assert moved["updated_at"] == spelt(clock())
        assert moved["created_at"] == desk.created["created_at"] == spelt(clock() - timedelta(seconds=90))


class TestReschedule:
    @pytest.mark.parametrize(
        ("body", "ends_at"),
        [
            ({"scheduled_at": LATER}, "2027-03-09T09:00:00Z"),
            ({"duration_minutes": 90}, "2027-03-05T11:00:00Z"),
            ({"time_zone": "UTC"}, "2027-03-05T10:30:00Z"),
            ({"scheduled_at": LATER, "duration_minutes": 15, "title": "Other"}, "2027-03-09T08:15:00Z"),
        ],
        ids=repr,
    )
    async def test_time_duration_and_zone(self, desk: Desk, body: dict[str, Any], ends_at: str) -> None:
        """Another time, duration or zone is a reschedule: another end, the next version, the reason recorded."""
        after = (await desk.patch(**body, reason=" The interviewer is ill ")).json()
        assert after == desk.created | body | {
            "ends_at": ends_at,
            "rev": 2,
            "schedule_version": 1,
            "updated_at": after["updated_at"],
        }
        entry = (await desk.history())[-1]
        assert (entry["type"], entry["reason"]) == ("interview.rescheduled", "The interviewer is ill")
        changed = {name: value for name, value in {**body, "ends_at": ends_at}.items() if value != desk.created[name]}
        assert entry["changes"] == {name: {"from": desk.created[name], "to": changed[name]} for name in changed}

    async def test_other_details(self, desk: Desk) -> None:
        """Any other change is an update and leaves the schedule version alone; it may have a reason too."""
        after = (await desk.patch(title="Other", reason="A typo")).json()
        assert (after["schedule_version"], after["rev"]) == (0, 2)
        entry = (await desk.history())[-1]
        assert (entry["type"], entry["reason"]) == ("interview.updated", "A typo")

    async def test_versions_grow_with_the_schedule_alone(self, client: httpx.AsyncClient, desk: Desk) -> None:
        """`rev` counts every change, `schedule_version` those of the schedule and the cancellation."""
        versions = []
        for body in ({"title": "A"}, {"scheduled_at": LATER}, {"location": None}, {"duration_minutes": 30}, {}):
            after = (await desk.patch(**body)).json()
            versions.append((after["rev"], after["schedule_version"]))
        cancel = await client.patch(f"{desk.address}/status", json={"status": "cancelled"}, headers=desk.headers)
        versions.append((cancel.json()["rev"], cancel.json()["schedule_version"]))
        assert versions == [(2, 0), (3, 1), (4, 1), (5, 2), (5, 2), (6, 3)]


class TestIfMatch:
    @pytest.mark.parametrize(
        "spelt",
        [
            *("{tag}", "*", " {tag} ", '"other", {tag}', '{tag},"1-"', '"a,b" , {tag}', ",{tag},", '"", {tag}'),
            *(
                "W/{tag}",
                'W/"other",W/{tag}',
                'W/"a,b", {tag}',
                '"{opaque}-gzip"',
                'W/"{opaque}-gzip"',
                '"{opaque}-br"',
            ),
        ],
    )
    async def test_known_version(self, desk: Desk, spelt: str) -> None:
        """The current tag, alone or among others, as a compressing proxy changes it too, and `*` permit a change."""
        tag = (await desk.read()).headers["ETag"]
        answer = await desk.patch(spelt.format(tag=tag, opaque=tag.strip('"')), title="Other")
        assert (answer.status_code, answer.json()["rev"]) == (200, 2)

    @pytest.mark.parametrize(
        "spelt",
        [
            *("1", '"1"', '"1-"', '"01-ongoing.cancelled"', '"1-x"', "", ",", '"', "x" * 9999, "w/{tag}", "W/ {tag}"),
            *("W{tag}", "x{tag}", "{tag}x", '"a" {tag}', "*, {other}", "*, *", "{opaque}", '"{opaque}', "'{opaque}'"),
            *('"{opaque}-zip"', '"-gzip"', 'W/"1"', '"{opaque} "'),
        ],
    )
    async def test_other_versions(self, desk: Desk, spelt: str) -> None:
        """A malformed tag and one that was never given out match nothing: 412, and nothing changes."""
        tag = (await desk.read()).headers["ETag"]
        answer = await desk.patch(spelt.format(tag=tag, opaque=tag.strip('"'), other='"other"'), title="Other")
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
        assert await desk.now() == desk.created

    async def test_stale_version(self, desk: Desk) -> None:
        """A version from before another caller's change is refused and that change stays; the current one works."""
        stale = (await desk.read()).headers["ETag"]
        current = (await desk.patch(title="Other")).headers["ETag"]
        for spelt in (stale, f"W/{stale}"):
            refused = await desk.patch(spelt, location="Room 9")
            assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
        assert (await desk.now())["location"] == "Room 4"
        assert (await desk.patch(current, location="Room 9")).json()["location"] == "Room 9"

    async def test_participants_are_part_of_the_version(
        self, client: httpx.AsyncClient, people: People, desk: Desk
    ) -> None:
        """Adding a participant is a change too: the version from before it is stale."""
        stale = (await desk.read()).headers["ETag"]
        body = {"user_id": people.candidate.id}
        assert (await client.post(f"{desk.address}/participants", json=body, headers=desk.headers)).status_code == 201
        assert (await desk.patch(stale, title="Other")).status_code == 412

    async def test_a_change_of_nothing_is_checked_too(self, desk: Desk) -> None:
        """A stale version is refused even where the body would change nothing."""
        stale = (await desk.read()).headers["ETag"]
        await desk.patch(title="Other")
        assert (await desk.patch(stale)).status_code == 412

    async def test_several_lines(self, client: httpx.AsyncClient, desk: Desk) -> None:
        """The tags may come on several header lines, as RFC 9110 allows for every list."""
        tag = (await desk.read()).headers["ETag"]
        headers = [*desk.headers.items(), ("If-Match", '"other"'), ("If-Match", tag)]
        assert (await client.patch(desk.address, json={"title": "Other"}, headers=headers)).status_code == 200

    async def test_malformed_body_comes_first(self, desk: Desk) -> None:
        """A malformed body is reported before the version is checked."""
        assert (await desk.patch('"stale"', title="")).json()["code"] == "validation_error"

    async def test_one_of_many_wins(self, desk: Desk) -> None:
        """Of concurrent changes of different fields on one version one is accepted, the others are refused."""
        tag = (await desk.read()).headers["ETag"]
        changes = [
            ("title", "Other"),
            ("location", "R"),
            ("description", "D"),
            ("interview_type", "t"),
            ("time_zone", "UTC"),
        ]
        answers = await asyncio.gather(*(desk.patch(tag, **{name: value}) for name, value in changes * 2))
        assert sorted(a.status_code for a in answers) == [200] + [412] * 9
        assert (await desk.now())["rev"] == 2


class TestClosed:
    @pytest.mark.parametrize("status", ["completed", "cancelled"])
    async def test_refuses_changes(self, client: httpx.AsyncClient, people: People, desk: Desk, status: str) -> None:
        """A closed interview takes no change, whatever version is named; a malformed body is reported first."""
        await bring_to(client, people.admin, desk.created["id"], status)
        before = await desk.now()
        for if_match, body in ((None, {"title": "Other"}), (None, {}), ('"stale"', {"scheduled_at": LATER})):
            answer = await desk.patch(if_match, **body)
            assert (answer.status_code, answer.json()["code"]) == (400, "interview_closed")
        assert (await desk.patch(title="")).json()["code"] == "validation_error"
        assert await desk.now() == before

    async def test_ongoing_is_open(self, client: httpx.AsyncClient, people: People, desk: Desk) -> None:
        """An interview that is under way can still be changed."""
        await bring_to(client, people.admin, desk.created["id"], "ongoing")
        assert (await desk.patch(location="Room 9")).status_code == 200

    @pytest.mark.attack
    async def test_change_against_cancel(self, client: httpx.AsyncClient, people: People) -> None:
        """No change is made after a cancellation; what was accepted stays, and what came late is refused."""
        for _ in range(rounds(4, full=10)):
            desk = Desk(client, people, await create_interview(client, people.admin))
            changes = [desk.patch(title=f"Title {n}") for n in range(3)] + [desk.patch(scheduled_at=LATER)]
            cancel = client.patch(f"{desk.address}/status", json={"status": "cancelled"}, headers=desk.headers)
            *answers, cancelled = await asyncio.gather(*changes, cancel)
            assert cancelled.status_code == 200
            assert {a.json()["code"] for a in answers if a.status_code != 200} <= {"interview_closed"}
            types = [entry["type"] for entry in await desk.history()]
            assert types[-1] == "interview.cancelled"
            assert len(types) == 2 + sum(a.status_code == 200 for a in answers)


class TestRaces:
    @pytest.mark.attack
    async def test_different_fields_both_survive(self, desk: Desk) -> None:
        """Two changes of different fields at once are both kept, in each round."""
        for n in range(rounds(4, full=10)):
            bodies: list[dict[str, Any]] = [{"title": f"T{n}"}, {"location": f"L{n}"}, {"duration_minutes": 100 + n}]
            answers = await asyncio.gather(*(desk.patch(**body) for body in bodies))
            assert [a.status_code for a in answers] == [200, 200, 200]
            now = await desk.now()
            assert {name: now[name] for body in bodies for name in body} == bodies[0] | bodies[1] | bodies[2]

    @pytest.mark.attack
    async def test_time_and_duration_at_once(self, desk: Desk) -> None:
        """Time and duration changed by two callers at once give the end that follows from both."""
        for day in range(10, 10 + rounds(4, full=10)):
            moved = desk.patch(scheduled_at=f"2027-03-{day}T08:00:00Z")
            answers = await asyncio.gather(moved, desk.patch(duration_minutes=day))
            assert [a.status_code for a in answers] == [200, 200]
            assert (await desk.now())["ends_at"] == f"2027-03-{day}T08:{day}:00Z"

    @pytest.mark.attack
    async def test_many_changes_of_one_field(self, desk: Desk, deployment: Deployment) -> None:
        """All concurrent changes of one field through two workers succeed, and each records what it replaced."""
        async with deployment.worker() as other:
            workers = [desk.client, other] * (CHANGES // 2)
            bodies = ({"duration_minutes": 100 + n} for n in range(CHANGES))
            patches = (
                w.patch(desk.address, json=b, headers=desk.headers) for w, b in zip(workers, bodies, strict=True)
            )
            answers = await asyncio.gather(*patches)
        assert {a.status_code for a in answers} == {200}
        *_, last = history = (await desk.history())[1:]
        assert [entry["rev"] for entry in history] == list(range(2, CHANGES + 2))
        steps = [entry["changes"]["duration_minutes"] for entry in history]
        assert [step["from"] for step in steps] == [60, *(step["to"] for step in steps[:-1])]
        assert last["changes"]["duration_minutes"]["to"] == (now := await desk.now())["duration_minutes"]
        assert now["schedule_version"] == CHANGES
