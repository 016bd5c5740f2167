"""Cursors: walking a list while others create interviews and add and remove participants, and invalid cursors."""

from __future__ import annotations

import base64
import json
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley_auth.testing import Account, an_account
from parley_core.testing import MovableClock, walk
from parley_interviews.testing import create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People


def spelt(content: object) -> str:
    """A cursor with this content, spelt as earlier releases did it."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


class Team:
    """Somebody's list of interviews, and those who change it."""

    def __init__(self, client: httpx.AsyncClient, admin: Account, reader: Account, clock: MovableClock) -> None:
        self.client, self.admin, self.reader, self.clock = client, admin, reader, clock
        self.random = random.Random(7)  # noqa: S311 - the same walk on every run

    async def create(self) -> str:
        """Create another interview of the reader's, sometimes at the same instant as the one before."""
        self.clock.move(timedelta(milliseconds=self.random.randint(0, 1)))
        details = {"title": f"Title {self.random.randint(1, 9)}", "interview_type": "technical"}
        day = self.random.randint(1, 9)
        interview = await create_interview(
            self.client, self.admin, self.reader, scheduled_at=f"2027-03-0{day}T09:00:00Z", **details
        )
        return str(interview["id"])

    async def change(self, interview_id: str) -> None:
        """Change an interview, sometimes at the same instant as the change before."""
        self.clock.move(timedelta(milliseconds=self.random.randint(0, 1)))
        body = {"title": f"Title {self.random.randint(1, 10**9)}"}
        answer = await self.client.patch(f"/v1/interviews/{interview_id}", json=body, headers=self.admin.headers)
        assert answer.status_code == 200, answer.text

    async def remove_reader(self, interview_id: str) -> None:
        """Remove the reader from an interview."""
        address = f"/v1/interviews/{interview_id}/participants/{self.reader.id}"
        assert (await self.client.delete(address, headers=self.admin.headers)).status_code == 204

    async def page(self, address: str) -> tuple[list[str], str | None]:
        """The ids of a page and the address of the next."""
        answer = await self.client.get(address, headers=self.reader.headers)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]], answer.json()["next"]


@pytest.fixture
async def team(app: FastAPI, client: httpx.AsyncClient, people: People, clock: MovableClock) -> Team:
    return Team(client, people.admin, await an_account(app), clock)


class TestWalk:
    @pytest.mark.parametrize(
        "sort", ["-created_at", "scheduled_at", "-title,scheduled_at", "status,title", "status", "-updated_at"]
    )
    async def test_while_others_write(self, team: Team, sort: str) -> None:
        """Whoever follows `next` gets each interview that stays in the list, none twice, whatever comes and goes."""
        lasting = {await team.create() for _ in range(25)}
        passing = [await team.create() for _ in range(15)]
        seen: list[str] = []
        address: str | None = f"/v1/interviews?limit=4&sort={sort}"
        while address:
            ids, address = await team.page(address)
            seen += ids
            await team.create()
            for _ in range(min(2, len(passing))):
                await team.remove_reader(passing.pop(team.random.randrange(len(passing))))
        assert len(seen) == len(set(seen))
        assert lasting <= set(seen)

    async def test_what_was_passed_goes(self, team: Team) -> None:
        """A walk doesn't end early when the interviews of earlier pages leave the list."""
        created = [await team.create() for _ in range(20)]
        first, following = await team.page("/v1/interviews?limit=12")
        for interview_id in first:
            await team.remove_reader(interview_id)
        assert following is not None
        second, following = await team.page(following.replace("limit=12", "limit=5"))
        assert following is not None
        third, following = await team.page(following)
        assert {*first, *second, *third} == set(created)
        assert following is None

    async def test_what_was_passed_comes_back_no_more(self, team: Team) -> None:
        """New interviews before the place of the cursor shift nothing."""
        created = [await team.create() for _ in range(6)]
        first, following = await team.page("/v1/interviews?limit=3")
        for _ in range(5):
            await team.create()
        assert following is not None
        second, following = await team.page(following)
        assert first + second == created[::-1]
        assert following is None

    async def test_the_interview_of_the_cursor_goes(self, team: Team) -> None:
        """A cursor names a place, not an interview: the walk continues when that interview has left the list."""
        created = [await team.create() for _ in range(4)]
        first, following = await team.page("/v1/interviews?limit=2&sort=scheduled_at,title")
        await team.remove_reader(first[-1])
        assert following is not None
        second, _ = await team.page(following)
        assert {*first, *second} == set(created)

    async def test_longest_values(self, team: Team) -> None:
        """A cursor after the longest titles is accepted."""
        for _ in range(2):
            for character in "🎈ä\\":
                await create_interview(team.client, team.admin, team.reader, title=character * 200)
        seen = []
        address = "/v1/interviews?limit=1&sort=title,status,scheduled_at,created_at"
        async for answer in walk(team.client, address, headers=team.reader.headers):
            seen += [item["id"] for item in answer.json()["items"]]
        assert len(set(seen)) == len(seen) == 6


class TestChangedSince:
    async def test_nothing_is_missed(self, team: Team) -> None:
        """Who walks by last change, and begins a minute before what they saw last when they come again, has it all."""
        known: dict[str, int] = {}
        ids = [await team.create() for _ in range(12)]
        since = "2027-01-01T00:00:00Z"
        for most in (30, 0):
            address: str | None = f"/v1/interviews?sort=updated_at&updated_from={since}&limit=4"
            while address:
                answer = await team.client.get(address, headers=team.reader.headers)
                for item in answer.json()["items"]:
                    known[item["id"]] = max(item["rev"], known.get(item["id"], 0))
                    since = (datetime.fromisoformat(item["updated_at"]) - timedelta(minutes=1)).strftime("%FT%TZ")
                address = answer.json()["next"]
                if len(ids) < most:
                    ids.append(await team.create())
                    for interview_id in team.random.sample(ids, 3):
                        await team.change(interview_id)
        current = await team.client.get("/v1/interviews?limit=100", headers=team.reader.headers)
        assert known == {item["id"]: item["rev"] for item in current.json()["items"]}
        assert max(known.values()) > 1


class TestOtherRequests:
    async def test_another_sort_order(self, team: Team) -> None:
        """A cursor implies its sort order and is refused under another one."""
        for _ in range(3):
            await team.create()
        _, following = await team.page("/v1/interviews?limit=1&sort=title")
        assert following is not None
        implied, _ = await team.page(following.replace("sort=title&", ""))
        assert implied == (await team.page(following))[0]
        for other in ("-title", "title,status", "created_at", ""):
            address = following.replace("sort=title", f"sort={other}")
            answer = await team.client.get(address, headers=team.reader.headers)
            assert answer.status_code == 400
            assert answer.json()["code"] == "invalid_cursor"

    async def test_an_offset(self, team: Team) -> None:
        """A cursor is a place, so it is refused together with an offset."""
        for _ in range(2):
            await team.create()
        _, following = await team.page("/v1/interviews?limit=1")
        answer = await team.client.get(f"{following}&offset=1", headers=team.reader.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")

    async def test_other_filters(self, team: Team) -> None:
        """A cursor is a place in an order, not a filter: under another filter the list continues at that place."""
        ids = [await team.create() for _ in range(4)]
        _, following = await team.page("/v1/interviews?limit=2")
        assert following is not None
        assert (await team.page(f"{following}&status=scheduled"))[0] == ids[1::-1]
        assert (await team.page(f"{following}&status=ongoing"))[0] == []


ID, INSTANT = "0" * 24, "2027-03-01T12:00:00+00:00"
FORGED: list[Any] = [
    None,
    [],
    ["title", ["A", ID], 0],
    ["title", [{"$ne": "a"}, ID], 0],
    ["created_at", [INSTANT, ID], 0],
]
TEXTS = st.text(max_size=60) | st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode())
JSON = st.recursive(st.none() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=3))
CURSORS = TEXTS | st.tuples(st.sampled_from(["title", "-created_at"]), JSON, JSON).map(spelt)


class TestGarbage:
    @pytest.mark.parametrize("content", FORGED, ids=repr)
    async def test_forged(self, client: httpx.AsyncClient, people: People, content: Any) -> None:
        """A place that a caller spells as earlier releases did is refused."""
        address = f"/v1/interviews?cursor={spelt(content)}"
        answer = await client.get(address, headers=people.admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")

    @pytest.mark.parametrize("text", ["", "x", "=", "null", "é", "\x00", "a" * 5000, "W10", "[" * 900], ids=repr)
    async def test_no_cursor_at_all(self, client: httpx.AsyncClient, people: People, text: str) -> None:
        """Any other text is refused, including an empty one."""
        answer = await client.get("/v1/interviews", params={"cursor": text}, headers=people.admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")

    @pytest.mark.attack
    @settings(
        max_examples=rounds(40, full=200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(cursor=CURSORS)
    async def test_anything(self, client: httpx.AsyncClient, people: People, cursor: str) -> None:
        """No text that a caller makes up is a cursor."""
        answer = await client.get("/v1/interviews", params={"cursor": cursor}, headers=people.candidate.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


class TestSealed:
    async def test_nothing_is_readable(self, team: Team) -> None:
        """A cursor shows neither titles nor ids nor instants, as it is or decoded."""
        for _ in range(2):
            await create_interview(team.client, team.admin, team.reader, title="Ada Lovelace, second round")
        for sort in ("title", "-created_at"):
            [shown], following = await team.page(f"/v1/interviews?limit=1&sort={sort}")
            assert following is not None
            raw = decoded(following)
            for secret in ("Ada", "Lovelace", shown, "2027-03", sort):
                assert secret.encode() not in raw

    def test_what_was_readable(self) -> None:
        """The check above sees what an earlier release's cursor shows."""
        assert b"Ada Lovelace" in decoded(f"/v1/interviews?cursor={spelt(['title', ['Ada Lovelace', ID], 1])}")

    async def test_elsewhere(self, app: FastAPI, team: Team) -> None:
        """A cursor of one list is refused by another with the same sort keys, and the other way round."""
        for _ in range(2):
            await team.create()
            await an_account(app)
        headers = team.admin.headers
        lists = ["/v1/interviews?sort=-created_at", "/v1/users?sort=-created_at"]
        answers = [await team.client.get(f"{address}&limit=1", headers=headers) for address in lists]
        cursors = [parse_qs(urlsplit(answer.json()["next"]).query)["cursor"][0] for answer in answers]
        for address, cursor, status in zip(lists * 2, [*cursors, *cursors[::-1]], [200, 200, 400, 400], strict=True):
            answer = await team.client.get(address, params={"cursor": cursor}, headers=headers)
            assert (answer.status_code, answer.json().get("code")) == (
                status,
                "invalid_cursor" if status == 400 else None,
            )

    async def test_workers(self, team: Team, deployment: Deployment) -> None:
        """A cursor of one worker continues in another, with and without the cache, and is the same in each."""
        for _ in range(3):
            await team.create()
        first, following = await team.page("/v1/interviews?limit=1")
        async with deployment.worker() as other:
            answer = await other.get("/v1/interviews?limit=1", headers=team.reader.headers)
            assert answer.json()["next"] == following
            assert following is not None
            second = (await other.get(following, headers=team.reader.headers)).json()["items"]
        assert [item["id"] for item in second] != first
        assert [item["id"] for item in second] == (await team.page(following))[0]


def decoded(address: str) -> bytes:
    """What stands in an address, and in what its cursor decodes to."""
    cursor = parse_qs(urlsplit(address).query)["cursor"][0]
    return cursor.encode() + base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
