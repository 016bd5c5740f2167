"""`GET .../participants?former=true`: who has left, out of the interview's history."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core import HistoryEntry
from parley_core.log.relay import Relay
from parley_core.testing import NOON, MovableClock, links_of, walk
from parley_interviews.models import UNKNOWN_TIME, UNKNOWN_USER, ParticipantRole
from parley_interviews.participants.former import former_participants
from parley_interviews.testing import address_of, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import People

    from parley_core import Database

Interview = dict[str, Any]


async def add(client: httpx.AsyncClient, admin: Account, interview: Interview, **body: Any) -> None:
    answer = await client.post(f"{address_of(interview)}/participants", json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.text


async def remove(client: httpx.AsyncClient, admin: Account, interview: Interview, account: Account) -> None:
    address = f"{address_of(interview)}/participants/{account.id}"
    assert (await client.delete(address, headers=admin.headers)).status_code == 204


async def page_of(
    client: httpx.AsyncClient, viewer: Account, interview: Interview, query: str = "former=true"
) -> dict[str, Any]:
    answer = await client.get(f"{address_of(interview)}/participants?{query}", headers=viewer.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ids_of(page: dict[str, Any]) -> list[str]:
    return [item["user_id"] for item in page["items"]]


class TestWalk:
    @pytest.mark.parametrize("query", ["limit=3", "limit=3&former=true"])
    async def test_while_others_come_and_go(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, clock: MovableClock, query: str
    ) -> None:
        """A walk meets everybody who stays once, while those whom it has met leave and others come."""
        present = [await an_account(app) for _ in range(8)]
        interview = await create_interview(client, people.admin, *present)
        clock.move(timedelta(milliseconds=1))
        page = await page_of(client, people.admin, interview, query)
        seen, by_id = ids_of(page), {account.id: account for account in present}
        for number in range(20):
            if page["next"] is None:
                break
            if number < 3:
                await remove(client, people.admin, interview, by_id[seen[-1]])
                clock.move(timedelta(milliseconds=1))
                new = await an_account(app)
                by_id[new.id] = new
                await add(client, people.admin, interview, user_id=new.id)
            page = (await client.get(page["next"], headers=people.admin.headers)).json()
            seen += [item["user_id"] for item in page["items"] if item["removed_at"] is None]
        assert page["next"] is None
        assert seen[:8] == [account.id for account in present]
        assert len(seen) == len(set(seen)) > 8

    async def test_no_cursor(self, client: httpx.AsyncClient, people: People) -> None:
        """A text that somebody makes up is no cursor."""
        interview = await create_interview(client, people.admin)
        answer = await client.get(f"{address_of(interview)}/participants?cursor=x", headers=people.admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


class TestWho:
    async def test_behind_those_present(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, clock: MovableClock
    ) -> None:
        """Those present come first in order of adding, then those who left, in order of leaving."""
        first, second, third = [await an_account(app) for _ in range(3)]
        interview = await create_interview(client, people.admin, first, people.interviewer, second)
        clock.move(timedelta(minutes=1))
        await remove(client, people.admin, interview, second)
        clock.move(timedelta(minutes=1))
        await remove(client, people.admin, interview, first)
        await add(client, people.admin, interview, user_id=third.id)
        page = await page_of(client, people.admin, interview)
        assert ids_of(page) == [people.interviewer.id, third.id, second.id, first.id]
        assert page["total"] == 4
        for item in page["items"][:2]:
            assert (item["removed_at"], item["removed_by"]) == (None, None)
        created = page["items"][0]["added_at"]
        assert page["items"][3] == {
            "user_id": first.id,
            "participant_role": "candidate",
            "name": first.user.name,
            "email": first.user.email,
            "active": True,
            "added_by": people.admin.id,
            "added_at": created,
            "removed_by": people.admin.id,
            "removed_at": clock().isoformat().replace("+00:00", "Z"),
        }
        assert page["items"][2]["removed_at"] < page["items"][3]["removed_at"]

    @pytest.mark.parametrize("query", ["", "former=false"])
    async def test_left_out(self, client: httpx.AsyncClient, people: People, query: str) -> None:
        """Without `former` only those present are listed and counted."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        await remove(client, people.admin, interview, people.candidate)
        page = await page_of(client, people.admin, interview, query)
        assert (ids_of(page), page["total"]) == ([people.interviewer.id], 1)

    async def test_each_once(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever is back isn't former; whoever left twice is listed once, as what they were the last time."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        await remove(client, people.admin, interview, people.interviewer)
        await remove(client, people.admin, interview, people.candidate)
        await add(client, people.admin, interview, user_id=people.interviewer.id, participant_role="candidate")
        page = await page_of(client, people.admin, interview)
        assert ids_of(page) == [people.interviewer.id, people.candidate.id]
        assert page["items"][0]["removed_at"] is None
        await remove(client, people.admin, interview, people.interviewer)
        page = await page_of(client, people.admin, interview)
        assert ids_of(page) == [people.candidate.id, people.interviewer.id]
        assert page["items"][1]["participant_role"] == "candidate"

    async def test_pages(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Pages go from those present on to those who left, with one total and the filter in `next`."""
        accounts = [await an_account(app) for _ in range(7)]
        interview = await create_interview(client, people.admin, *accounts)
        for account in accounts[:4]:
            await remove(client, people.admin, interview, account)
        seen: list[str] = []
        address = f"{address_of(interview)}/participants?former=true&limit=2"
        async for answer in walk(client, address, headers=people.admin.headers):
            page = answer.json()
            assert (page["total"], page["limit"], page["offset"]) == (7, 2, len(seen))
            assert page["next"] is None or "former=true" in page["next"]
            assert links_of(answer).get("next") == (f"http://test{page['next']}" if page["next"] else None)
            seen += ids_of(page)
        assert seen == [account.id for account in (*accounts[4:], *accounts[:4])]
        beyond = await page_of(client, people.admin, interview, "former=true&offset=9")
        assert (beyond["items"], beyond["total"], beyond["next"]) == ([], 7, None)

    async def test_wherever_the_entries_are(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """The answer is the same whether entries wait in the interview, some are in the log, or all are."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        relay, expected = app.state.parley.require(Relay), [people.interviewer.id, people.candidate.id]
        await remove(client, people.admin, interview, people.interviewer)
        await relay.drain()
        await remove(client, people.admin, interview, people.candidate)
        assert ids_of(await page_of(client, people.admin, interview)) == expected
        await relay.drain()
        # Another address, since the first one's answer is kept.
        assert ids_of(await page_of(client, people.admin, interview, "former=true&limit=9")) == expected

    @pytest.mark.parametrize("status", ["completed", "cancelled"])
    async def test_closed(self, client: httpx.AsyncClient, people: People, status: str) -> None:
        """A closed interview still says who left it."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        await remove(client, people.admin, interview, people.candidate)
        await bring_to(client, people.admin, interview["id"], status)
        page = await page_of(client, people.interviewer, interview)
        assert ids_of(page) == [people.interviewer.id, people.candidate.id]

    async def test_earlier_release(
        self, app: FastAPI, client: httpx.AsyncClient, database: Database, people: People
    ) -> None:
        """An interview of an earlier release has it too, however little its entries say."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        await remove(client, people.admin, interview, people.candidate)
        await app.state.parley.require(Relay).drain()
        where = {"subject_id": interview["id"]}
        await database["events"].update_one({**where, "rev": 1}, {"$unset": {"changes": True}})
        unset = {"$unset": {"actor": True, "changes.participant.from.participant_role": True}}
        await database["events"].update_one({**where, "rev": 2}, unset)
        former = (await page_of(client, people.admin, interview, "former=true&limit=8"))["items"][1]
        assert (former["user_id"], former["participant_role"]) == (people.candidate.id, "candidate")
        assert (former["removed_by"], former["added_by"]) == (None, UNKNOWN_USER)


class TestViewers:
    async def test_names_and_emails(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Everybody who reads the list sees names, so that messages can be attributed; candidates no more than that."""
        gone, employee = await an_account(app, "interviewer"), await an_account(app, "interviewer")
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate, gone)
        await add(client, people.admin, interview, user_id=employee.id, participant_role="candidate")
        await remove(client, people.admin, interview, gone)
        for viewer, sees_all in (
            (people.admin, True),
            (people.interviewer, True),
            (people.candidate, False),
            (employee, False),
        ):
            former = (await page_of(client, viewer, interview))["items"][-1]
            assert (former["user_id"], former["name"]) == (gone.id, gone.user.name)
            assert former["email"] == (gone.user.email if sees_all else None)
            assert former["removed_by"] == (people.admin.id if sees_all else None)
            assert former["removed_at"] is not None

    async def test_who_left_sees_nothing(self, client: httpx.AsyncClient, people: People) -> None:
        """Whoever left reads no list, their own name in it or not."""
        interview = await create_interview(client, people.admin, people.candidate)
        await page_of(client, people.candidate, interview)
        await remove(client, people.admin, interview, people.candidate)
        address = f"{address_of(interview)}/participants?former=true"
        answer = await client.get(address, headers=people.candidate.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_participant")

    async def test_activity(self, client: httpx.AsyncClient, people: People) -> None:
        """Whether an account is active is said of those present and of those who left."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        await remove(client, people.admin, interview, people.candidate)
        for person in (people.interviewer, people.candidate):
            for active in (False, True):
                body = {"active": active}
                await client.patch(f"/v1/users/{person.id}", json=body, headers=people.admin.headers)
                items = (await page_of(client, people.admin, interview))["items"]
                assert {item["user_id"]: item["active"] for item in items}[person.id] is active

    @pytest.mark.parametrize("value", ["", "maybe", "2", "true&former=x"])
    async def test_malformed(self, client: httpx.AsyncClient, people: People, value: str) -> None:
        """Another value than true and false is refused."""
        interview = await create_interview(client, people.admin)
        address = f"{address_of(interview)}/participants?former={value}"
        answer = await client.get(address, headers=people.admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def entry(rev: int, event: str, **changes: Any) -> HistoryEntry:
    at = NOON + timedelta(minutes=rev)
    return HistoryEntry(
        rev=rev, type=f"interview.{event}", at=at, actor=f"boss {rev}", actor_role="admin", reason=None, changes=changes
    )


class TestDerivation:
    """Pure: entries in, former participants out."""

    def test_nothing_recorded(self) -> None:
        """Without entries nobody has left."""
        assert former_participants([], []) == []

    def test_who_was_never_seen_to_come(self) -> None:
        """A removal alone names somebody; who added them, and when, isn't known."""
        removal = entry(7, "participant_removed", participant={"from": {"user_id": "x"}, "to": None})
        [former] = former_participants([removal], [])
        assert (former.user_id, former.participant_role) == ("x", ParticipantRole.CANDIDATE)
        assert (former.added_by, former.added_at) == (UNKNOWN_USER, UNKNOWN_TIME)
        assert (former.removed_by, former.removed_at) == ("boss 7", removal.at)

    def test_the_last_stay_counts(self) -> None:
        """Of somebody who came and left twice the last stay is shown, in the place of the last removal."""
        x, y = {"user_id": "x", "participant_role": "candidate"}, {"user_id": "y", "participant_role": "interviewer"}
        entries = [
            entry(1, "created", participants={"from": None, "to": [x, y]}),
            entry(2, "participant_removed", participant={"from": x, "to": None}),
            entry(3, "participant_removed", participant={"from": y, "to": None}),
            entry(4, "participant_added", participant={"from": None, "to": x | {"participant_role": "interviewer"}}),
            entry(5, "participant_removed", participant={"from": x | {"participant_role": "interviewer"}, "to": None}),
        ]
        former = former_participants(entries, [])
        assert [(f.user_id, f.participant_role, f.added_by, f.removed_by) for f in former] == [
            ("y", "interviewer", "boss 1", "boss 3"),
            ("x", "interviewer", "boss 4", "boss 5"),
        ]
