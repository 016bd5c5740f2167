"""Pages of the log over HTTP: what they contain, how one goes on, and what is refused."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import parley_events.plugin
from parley_core import new_id
from parley_core.testing import NOON, a_plugin, links_of, running_client, walk

if TYPE_CHECKING:
    from conftest import Stage

ADDRESS = "/v1/events"
UNRELATED = a_plugin("unrelated", parley_events=[])
PATHS = ("", "/types", "/stream")


async def synced(
    client: httpx.AsyncClient, headers: dict[str, str], after: int = 0, **query: Any
) -> tuple[list[int], int]:
    """Follow the documented loop to the end of the log: the positions that it finds, and the last `after`."""
    found: list[int] = []
    while True:
        answer = await client.get(ADDRESS, params={"after": after, **query}, headers=headers)
        page = answer.json()
        assert answer.status_code == 200, page
        assert page["after"] >= after
        found += [event["position"] for event in page["items"]]
        after = page["after"]
        if page["next"] is None:
            return found, after


class TestPage:
    async def test_shows_an_event_as_it_happened(self, stage: Stage) -> None:
        """An event says what happened to what, when, by whom, in which request, from which value to which."""
        before = await stage.relayed()
        body = {"role": "interviewer"}
        user = stage.people.candidate.id
        answer = await stage.client.patch(f"/v1/users/{user}", json=body, headers=stage.headers)
        await stage.relayed()
        page = await stage.read(after=before)
        assert page.json() == {
            "items": [
                {
                    "id": f"user:{user}:2",
                    "position": before + 1,
                    "type": "user.role_changed",
                    "kind": "user",
                    "subject_id": user,
                    "rev": 2,
                    "at": "2027-03-01T12:00:00Z",
                    "actor": stage.people.admin.id,
                    "actor_role": "admin",
                    "request_id": answer.headers["X-Request-ID"],
                    "reason": None,
                    "changes": {"role": {"from": "candidate", "to": "interviewer"}},
                    "audience": [user],
                }
            ],
            "after": before + 1,
            "limit": 20,
            "next": None,
        }
        assert "next" not in links_of(page)

    async def test_begins_at_the_beginning(self, stage: Stage) -> None:
        """Without `after` a page begins with the first event, and it has 20 of them unless asked otherwise."""
        note = await stage.create()
        for number in range(30):
            await stage.change(note, number=number)
        head = await stage.relayed()
        assert await stage.positions() == list(range(1, 21))
        assert await stage.positions(limit=100) == list(range(1, head + 1))

    async def test_next(self, stage: Stage) -> None:
        """`next` and `Link` lead to the next page with the same filters, whose `after` is that of this page."""
        for _ in range(5):
            await stage.create()
        await stage.relayed()
        first = await stage.read(type="note.created", limit=2)
        page = first.json()
        assert page["after"] == page["items"][-1]["position"]
        assert page["next"] == f"{ADDRESS}?type=note.created&limit=2&after={page['after']}"
        assert links_of(first) == {
            "first": f"http://test{ADDRESS}?type=note.created&limit=2",
            "next": f"http://test{page['next']}",
        }
        pages = [
            answer.json()
            async for answer in walk(stage.client, f"{ADDRESS}?type=note.created&limit=2", headers=stage.headers)
        ]
        assert [len(page["items"]) for page in pages] == [2, 2, 1]
        assert pages[-1]["next"] is None

    async def test_full_last_page(self, stage: Stage) -> None:
        """A page that ends exactly where the log ends has no next one."""
        head = await stage.relayed()
        page = (await stage.read(limit=head)).json()
        assert (len(page["items"]), page["after"], page["next"]) == (head, head, None)

    async def test_at_the_end(self, stage: Stage) -> None:
        """After the last event a page is empty, and `after` stays what was sent."""
        head = await stage.relayed()
        answer = await stage.read(after=head, type="note.created")
        assert answer.json() == {"items": [], "after": head, "limit": 20, "next": None}
        assert links_of(answer) == {"first": f"http://test{ADDRESS}?type=note.created"}

    async def test_beyond_the_end(self, stage: Stage) -> None:
        """A position that the log hasn't reached is 400: a restored backup must not look like a log without news."""
        head = await stage.relayed()
        for after in (head + 1, 10**6, 2**63 - 1):
            answer = await stage.read(after=after, type="note.created")
            assert (answer.status_code, answer.json()["code"]) == (400, "position_ahead")

    async def test_empty_log(self, stage: Stage) -> None:
        """A log in which nothing stands is an empty page."""
        await stage.relayed()
        await stage.database["events"].delete_many({})
        assert (await stage.read()).json()["items"] == []


class TestSynchronizing:
    async def test_each_once_while_others_write(self, stage: Stage) -> None:
        """Whoever follows `after` while two workers write and relay sees each event once, in order, and all of them."""
        seen: list[int] = []

        async def write() -> None:
            note = await stage.create()
            for number in range(20):
                await stage.change(note, number=number)

        async def read(client: httpx.AsyncClient) -> None:
            after = 0
            while len(seen) < 3 + 8 * 21:
                found, after = await synced(client, stage.headers, after, limit=7)
                seen.extend(found)

        async with running_client(stage.application()) as other, asyncio.timeout(30):
            await asyncio.gather(read(other), *(write() for _ in range(8)))
        assert seen == list(range(1, 3 + 8 * 21 + 1))

    async def test_filtered_while_others_write(self, stage: Stage) -> None:
        """With filters whose entries are merged the same holds: the two types together are all of the notes' events."""
        seen: list[int] = []

        async def write() -> None:
            for number in range(15):
                await stage.change(await stage.create(), number=number)

        async def read() -> None:
            after = 0
            while len(seen) < 4 * 30:
                found, after = await synced(stage.client, stage.headers, after, type=["note.created", "note.changed"])
                seen.extend(found)

        async with running_client(stage.application()), asyncio.timeout(30):
            await asyncio.gather(read(), *(write() for _ in range(4)))
        assert seen == sorted(set(seen))
        assert len(seen) == 4 * 30

    async def test_a_filtered_poll_does_not_look_again(self, stage: Stage) -> None:
        """Where nothing meets the filter, `after` is the end of the log, not the place where the poll began."""
        for _ in range(5):
            await stage.create()
        head = await stage.relayed()
        page = (await stage.read(type="note.changed")).json()
        assert (page["items"], page["after"], page["next"]) == ([], head, None)


class TestFilters:
    @pytest.fixture
    async def notes(self, stage: Stage) -> list[str]:
        """Three notes of which the second was changed twice: an hour and two hours later, by another actor."""
        notes = [await stage.create(actor=stage.people.admin.id) for _ in range(3)]
        for hours in (1, 2):
            at = NOON + timedelta(hours=hours)
            await stage.change(notes[1], actor=stage.people.interviewer.id, at=at, hours=hours)
        await stage.relayed()
        return notes

    async def found(self, stage: Stage, **query: Any) -> list[tuple[str, str]]:
        """The types and subjects on a page."""
        page = await stage.read(**query)
        assert page.status_code == 200, page.text
        return [(event["type"], event["subject_id"]) for event in page.json()["items"]]

    async def test_each(self, stage: Stage, notes: list[str]) -> None:
        """Each filter finds what meets it and nothing else."""
        created = [("note.created", note) for note in notes]
        changed = [("note.changed", notes[1])] * 2
        assert await self.found(stage, type="note.created") == created
        assert await self.found(stage, type=["note.changed", "note.created"]) == created + changed
        assert await self.found(stage, subject_id=notes[1]) == [created[1], *changed]
        assert await self.found(stage, actor=stage.people.interviewer.id) == changed
        assert await self.found(stage, **{"from": "2027-03-01T13:00:00Z"}) == changed
        assert (
            await self.found(stage, **{"from": "2027-03-01T14:00:00+01:00", "to": "2027-03-01T14:00:00Z"})
            == changed[:1]
        )
        assert await self.found(stage, to="2027-03-01T12:00:00Z") == []
        assert await self.found(stage, subject_id=new_id()) == []

    async def test_together(self, stage: Stage, notes: list[str]) -> None:
        """Filters add up: an event must meet all of them, and stand after `after`."""
        interviewer = stage.people.interviewer.id
        changed = [("note.changed", notes[1])] * 2
        assert await self.found(stage, type="note.changed", actor=interviewer, subject_id=notes[1]) == changed
        assert await self.found(stage, type="note.created", actor=interviewer) == []
        assert await self.found(stage, subject_id=notes[0], actor=interviewer) == []
        assert await self.found(stage, actor=interviewer, **{"from": "2027-03-01T14:00:00Z"}) == changed[1:]
        last = (await stage.positions(type="note.changed"))[0]
        assert await self.found(stage, type="note.changed", after=last) == changed[1:]

    async def test_times_do_not_follow_positions(self, stage: Stage) -> None:
        """An event with an earlier time at a later position is found by its time all the same."""
        late = await stage.create(at=NOON + timedelta(days=2))
        await stage.relayed()
        early = await stage.create(at=NOON + timedelta(days=1))
        await stage.relayed()
        assert await self.found(stage, **{"from": "2027-03-02T00:00:00Z"}) == [
            ("note.created", late),
            ("note.created", early),
        ]
        assert await self.found(stage, **{"from": "2027-03-02T00:00:00Z", "to": "2027-03-03T00:00:00Z"}) == [
            ("note.created", early)
        ]


MALFORMED: list[dict[str, Any]] = [
    *({"after": text} for text in ("x", "-1", "1.5", "", str(2**63), "9" * 5000, "0x1", "null", "$gt")),
    *({"limit": text} for text in ("0", "101", "x")),
    {"subject_id": "x"},
    {"actor": "$ne"},
    {"from": "2027-03-01"},
    {"from": "2027-03-01T12:00:00"},
    {"from": "2027-03-01T12:00:00 02:00"},
    {"to": "0001-01-01T00:00:00+14:00"},
    {"to": "9999-12-31T23:59:00-14:00"},
    {"to": "12"},
    {"type": ["note.created"] * 101},
]


class TestRefusal:
    async def test_values(self, stage: Stage, subtests: pytest.Subtests) -> None:
        """A malformed value is refused and its parameter named; a position is a whole number from 0 to 2^63 - 1."""
        for query in MALFORMED:
            with subtests.test(str(query)[:80]):
                answer = await stage.read(**query)
                assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
                assert answer.json()["errors"][0]["pointer"] == f"?{next(iter(query))}"

    async def test_unknown_type(self, stage: Stage) -> None:
        """A type that no plugin declares is refused, and which of several it is is said."""
        for name in ("note.eaten", "NOTE.CREATED", "", "$ne", "note", "\x00", "ü" * 3000):
            answer = await stage.read(type=["note.created", name])
            problem = answer.json()
            assert (answer.status_code, problem["code"], problem["category"]) == (
                400,
                "unknown_event_type",
                "validation",
            )
            assert [error["pointer"] for error in problem["errors"]] == ["?type.1"]

    async def test_unknown_parameter(self, stage: Stage) -> None:
        """A parameter that the log doesn't have is refused, so that a misspelt filter doesn't find everything."""
        for name in ("offset", "before", "since", "until", "audience", "kind", "q"):
            query: dict[str, Any] = {name: "1"}
            answer = await stage.read(**query)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_filter")

    async def test_others(self, stage: Stage) -> None:
        """Only administrators get anything, whatever the query: 401 and 403 come before what is wrong with it."""
        for caller, expected in (
            ("anonymous", (401, "authentication_required")),
            ("interviewer", (403, "permission_denied")),
            ("candidate", (403, "permission_denied")),
        ):
            for path, query in itertools.product(PATHS, ("", "?after=x", "?type=note.eaten", "?unknown=1")):
                answer = await stage.client.get(f"{ADDRESS}{path}{query}", headers=stage.people.headers_of(caller))
                assert (answer.status_code, answer.json()["code"]) == expected

    async def test_methods(self, stage: Stage) -> None:
        """The log can be read only."""
        for path, method in itertools.product(PATHS, ("POST", "PUT", "PATCH", "DELETE")):
            answer = await stage.client.request(method, f"{ADDRESS}{path}", headers=stage.headers)
            assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_a_package_that_is_gone(stage: Stage) -> None:
    """Events of a package that isn't installed stay on the pages; its types are no longer filters, nor listed."""
    note = await stage.create(text="kept")
    await stage.relayed()
    async with running_client(stage.application(parley_events.plugin)) as other:
        page = (await other.get(ADDRESS, params={"subject_id": note}, headers=stage.headers)).json()
        assert [(event["type"], event["kind"]) for event in page["items"]] == [("note.created", "note")]
        filtered = await other.get(ADDRESS, params={"type": "note.created"}, headers=stage.headers)
        assert (filtered.status_code, filtered.json()["code"]) == (400, "unknown_event_type")
        types = (await other.get(f"{ADDRESS}/types", headers=stage.headers)).json()["items"]
        assert not [one for one in types if one["name"].startswith("note.")]


async def test_without_this_package(stage: Stage) -> None:
    """An application that doesn't have it keeps the log all the same; installed again, it shows what happened."""
    head = await stage.relayed()
    user, body = stage.people.candidate.id, {"role": "interviewer"}
    async with running_client(stage.application(UNRELATED)) as other:
        assert (await other.get(ADDRESS, headers=stage.headers)).status_code == 404
        assert (await other.patch(f"/v1/users/{user}", json=body, headers=stage.headers)).status_code == 200
    [event] = (await stage.read(after=head)).json()["items"]
    assert (event["position"], event["type"], event["subject_id"]) == (head + 1, "user.role_changed", user)


async def test_types(stage: Stage) -> None:
    """The declared types are listed by name, each with its description, page by page."""
    listed = (await stage.client.get(f"{ADDRESS}/types", params={"limit": 100}, headers=stage.headers)).json()
    names = [one["name"] for one in listed["items"]]
    assert names == sorted(stage.parley.events.types)
    assert {"name": "note.created", "description": "A note was created."} in listed["items"]
    assert {"user.created", "note.changed"} <= set(names)
    second = (await stage.client.get(f"{ADDRESS}/types?limit=1&offset=1", headers=stage.headers)).json()
    assert second["items"] == listed["items"][1:2]
    assert (second["total"], second["next"]) == (len(names), f"{ADDRESS}/types?limit=1&offset=2")
