"""Feeds: an address, shown once, at which its owner's interviews are read as they are now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from pymongo.errors import DuplicateKeyError

from parley_auth.testing import an_api_key
from parley_calendar.indexes import CALENDARS
from parley_calendar.models import FeedToken
from parley_calendar.repository import REVOCATION
from parley_core import new_id
from parley_core.testing import NOON, logged
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.testing import address_of, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import Calendars, People

    from parley_core import Database
    from parley_core.testing import MovableClock
    from parley_core.testing.metrics import Metrics

FEEDS = "/v1/calendar/feeds"
DAY = timedelta(days=1)


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """The status and the error code of an answer."""
    return answer.status_code, answer.json().get("code") if answer.content else None


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """A problem, and the headers that came with it, without what names the request."""
    named = {"request_id", "instance", "x-request-id"}
    return {name: value for name, value in {**answer.json(), **answer.headers}.items() if name not in named}


class TestManaging:
    async def test_address_is_shown_once(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """A feed is answered with its absolute address when it is created, and without it ever after."""
        created = await calendars.create(people.candidate, name="My phone")
        assert created["url"].startswith(f"http://test{FEEDS}/")
        assert len(created["url"].rpartition("/")[2].removesuffix(".ics")) == 43
        [listed] = (await client.get(FEEDS, headers=people.candidate.headers)).json()["items"]
        assert listed == {name: value for name, value in created.items() if name != "url"}
        assert (await calendars.create(people.candidate))["name"] is None

    async def test_everybody_has_their_own(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People
    ) -> None:
        """Feeds are listed and deleted by their owner alone, administrators included."""
        feed = await calendars.create(people.candidate)
        address = f"{FEEDS}/{feed['id']}"
        assert (await client.get(FEEDS, headers=people.admin.headers)).json()["total"] == 0
        assert outcome(await client.delete(address, headers=people.admin.headers)) == (404, "feed_not_found")
        assert outcome(await client.delete(address, headers=people.candidate.headers)) == (204, None)
        assert outcome(await client.delete(address, headers=people.candidate.headers)) == (404, "feed_not_found")
        assert outcome(await client.delete(f"{FEEDS}/1", headers=people.candidate.headers)) == (400, "invalid_id")

    async def test_pages(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """The list is paged, oldest first."""
        ids = [(await calendars.create(people.admin))["id"] for _ in range(3)]
        page = (await client.get(f"{FEEDS}?limit=2", headers=people.admin.headers)).json()
        rest = (await client.get(page["next"], headers=people.admin.headers)).json()
        assert [item["id"] for item in [*page["items"], *rest["items"]]] == ids
        assert (rest["total"], rest["next"]) == (3, None)

    @pytest.mark.parametrize("body", [{"name": ""}, {"name": "a\nb"}, {"name": "a" * 101}, {"id": "1"}, {"name": 1}])
    async def test_malformed(self, client: httpx.AsyncClient, people: People, body: dict[str, Any]) -> None:
        """A name is a line of 1 to 100 characters, and nothing else is taken."""
        answer = await client.post(FEEDS, json=body, headers=people.admin.headers)
        assert outcome(answer) == (400, "validation_error")

    async def test_access(self, client: httpx.AsyncClient, people: People) -> None:
        """Anonymous callers are refused, and so are API keys: a feed would outlive them."""
        key = await an_api_key(client, people.admin, "interviews:read", "interviews:list")
        for headers, expected in (({}, (401, "authentication_required")), (key.headers, (403, "permission_denied"))):
            address = f"{FEEDS}/{new_id()}"
            answers = [
                await client.post(FEEDS, json={}, headers=headers),
                await client.get(FEEDS, headers=headers),
                await client.delete(address, headers=headers),
            ]
            assert [outcome(answer) for answer in answers] == [expected] * 3

    async def test_at_most_five(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """Of ten feeds that are created at once, five are; a deleted one makes room."""
        requests = [client.post(FEEDS, json={}, headers=people.interviewer.headers) for _ in range(10)]
        answers = await asyncio.gather(*requests)
        assert sorted(map(outcome, answers)) == [(201, None)] * 5 + [(400, "too_many_feeds")] * 5
        created = next(answer.json() for answer in answers if answer.status_code == 201)
        await client.delete(f"{FEEDS}/{created['id']}", headers=people.interviewer.headers)
        await calendars.create(people.interviewer)

    async def test_they_are_recorded(
        self, app: FastAPI, client: httpx.AsyncClient, calendars: Calendars, people: People
    ) -> None:
        """The log says who created and deleted which feed, without its name and its address."""
        feed = await calendars.create(people.candidate, name="Ada's phone")
        await client.delete(f"{FEEDS}/{feed['id']}", headers=people.candidate.headers)
        entries = await logged(app, people.candidate.id)
        found = [(one.type, one.changes) for one in entries if one.type.startswith("calendar.")]
        named = {"id": feed["id"]}
        assert found == [
            ("calendar.feed_created", {"feed": {"from": None, "to": named}}),
            ("calendar.feed_deleted", {"feed": {"from": named, "to": None}}),
        ]
        assert "Ada" not in repr(entries)


class TestReading:
    async def test_own_interviews_alone(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """A feed has what its owner takes part in, as whatever, and nothing else: an administrator's neither."""
        mine = await create_interview(client, people.admin, people.candidate)
        await create_interview(client, people.admin, people.interviewer)
        feeds = [await calendars.create(owner) for owner in (people.candidate, people.admin)]
        found = [[event["UID"] for event in await calendars.events(feed["url"])] for feed in feeds]
        assert found == [[f"{mine['id']}@parley"], []]

    async def test_it_needs_nothing_but_the_address(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People
    ) -> None:
        """A calendar program has no token; one that the caller happens to send changes nothing."""
        await create_interview(client, people.admin, people.interviewer)
        url = (await calendars.create(people.interviewer))["url"]
        answers = [await client.get(url, headers=headers) for headers in ({}, people.candidate.headers)]
        assert answers[0].content == answers[1].content
        assert len(calendars.events_in(answers[0])) == 1

    async def test_not_modified(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People, clock: MovableClock
    ) -> None:
        """Two fetches without a change are the same bytes, though time has passed, and the second may be a 304."""
        interview = await create_interview(client, people.admin, people.interviewer)
        url = (await calendars.create(people.interviewer))["url"]
        first = await client.get(url)
        clock.move(timedelta(minutes=7))
        assert (await client.get(url)).content == first.content
        known = {"If-None-Match": first.headers["ETag"]}
        answer = await client.get(url, headers=known)
        assert (answer.status_code, answer.content) == (304, b"")
        await client.patch(address_of(interview), json={"title": "Another"}, headers=people.admin.headers)
        assert (await client.get(url, headers=known)).status_code == 200

    async def test_a_removed_participant(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People, workers: list[FastAPI]
    ) -> None:
        """The interview leaves their feed with the next fetch, through any worker, and stays in the others'."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        feeds = [(await calendars.create(owner))["url"] for owner in (people.interviewer, people.candidate)]
        assert [len(await calendars.events(url)) for url in feeds] == [1, 1]
        gone = f"{address_of(interview)}/participants/{people.candidate.id}"
        assert (await client.delete(gone, headers=people.admin.headers)).status_code == 204
        for answers in await asyncio.gather(*(on_each(workers, url) for url in feeds)):
            expected = 1 if str(answers[0].url) == feeds[0] else 0
            assert [len(calendars.events_in(answer)) for answer in answers] == [expected] * 2

    async def test_window(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People, clock: MovableClock
    ) -> None:
        """From 90 days ago to 365 days ahead, in the order of their begin."""
        days = [364.9, 365.1, -90.1, -89.9, 1]
        instants = [clock() + day * DAY for day in days]
        for instant in instants:
            await create_interview(client, people.admin, people.interviewer, scheduled_at=instant.isoformat())
        found = await calendars.events((await calendars.create(people.interviewer))["url"])
        assert [event.start for event in found] == [instants[n].replace(microsecond=0) for n in (3, 4, 0)]

    async def test_cancelled_ones(
        self,
        client: httpx.AsyncClient,
        calendars: Calendars,
        people: People,
        clock: MovableClock,
        database: Database,
    ) -> None:
        """A cancelled interview stays for 90 days, as cancelled; a completed one as it was."""
        instant = (clock() + 100 * DAY).isoformat()
        for status in ("cancelled", "completed"):
            interview = await create_interview(client, people.admin, people.interviewer, scheduled_at=instant)
            await bring_to(client, people.admin, interview["id"], status)
        url = (await calendars.create(people.interviewer))["url"]
        assert sorted(str(event["STATUS"]) for event in await calendars.events(url)) == ["CANCELLED", "CONFIRMED"]
        mine = {"participants.user_id": people.interviewer.id}
        await database[INTERVIEWS].update_many(mine, {"$set": {"updated_at": clock() - 91 * DAY}})
        assert [event["STATUS"] for event in await calendars.events(url)] == ["CONFIRMED"]

    async def test_at_most_a_thousand(
        self, calendars: Calendars, people: People, clock: MovableClock, database: Database
    ) -> None:
        """A feed has 1,000 interviews at most: what is to come first, then the latest of what is over."""
        first = clock() - timedelta(hours=990)
        await database[INTERVIEWS].insert_many(
            stored(people.interviewer.id, first + timedelta(hours=n)) for n in range(1010)
        )
        found = await calendars.events((await calendars.create(people.interviewer))["url"])
        assert len(found) == 1000
        assert found[0].start == (first + timedelta(hours=10)).replace(microsecond=0)
        assert found[-1].start == (first + timedelta(hours=1009)).replace(microsecond=0)

    async def test_cost(self, calendars: Calendars, people: People, clock: MovableClock, database: Database) -> None:
        """A feed of 1,000 interviews takes at most 30 times the processor time of one of 10 (measured: 13)."""
        costs = []
        for owner, number in ((people.candidate, 10), (people.interviewer, 1000)):
            instants = [clock() + timedelta(hours=n) for n in range(number)]
            await database[INTERVIEWS].insert_many(stored(owner.id, instant) for instant in instants)
            url = (await calendars.create(owner))["url"]
            costs.append(min([await processor_time_of(calendars.client.get(url)) for _ in range(4)]))
        assert costs[1] <= 30 * costs[0]


class TestWhoMayNot:
    async def test_one_answer(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People, workers: list[FastAPI]
    ) -> None:
        """Deleted, unknown, malformed, and of an inactive owner: one and the same 404, at once, on each worker."""
        deleted, inactive = await calendars.create(people.interviewer), await calendars.create(people.candidate)
        for feed in (deleted, inactive):
            assert [answer.status_code for answer in await on_each(workers, feed["url"])] == [200, 200]
        await client.delete(f"{FEEDS}/{deleted['id']}", headers=people.interviewer.headers)
        body = {"active": False}
        target = f"/v1/users/{people.candidate.id}"
        assert (await client.patch(target, json=body, headers=people.admin.headers)).status_code == 200
        unknown = [FeedToken.new().text, "x", "%00", "%F0%9F%98%80", "$ne", "a" * 1000]
        addresses = [deleted["url"], inactive["url"], *(f"{FEEDS}/{token}.ics" for token in unknown)]
        answers = [answer for address in addresses for answer in await on_each(workers, address)]
        assert {outcome(answer) for answer in answers} == {(404, "feed_not_found")}
        assert all(problem_of(answer) == problem_of(answers[0]) for answer in answers)
        assert not any(token in answer.text for answer in answers for token in ("x.ics", deleted["url"][-20:]))

    async def test_with_another_spelling(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """A token has one spelling."""
        url = (await calendars.create(people.admin))["url"]
        token = url.rpartition("/")[2].removesuffix(".ics")
        for other in (f"{token}=", token[:-1], token.swapcase(), f"{token} "):
            assert outcome(await client.get(f"{FEEDS}/{other}.ics")) == (404, "feed_not_found")
        assert (await client.get(url)).status_code == 200

    async def test_a_reactivated_owner(self, client: httpx.AsyncClient, calendars: Calendars, people: People) -> None:
        """Their feed is read again: it was never the feed that was refused."""
        url = (await calendars.create(people.candidate))["url"]
        for active, expected in ((False, 404), (True, 200)):
            target = f"/v1/users/{people.candidate.id}"
            await client.patch(target, json={"active": active}, headers=people.admin.headers)
            assert (await client.get(url)).status_code == expected


class TestSecrecy:
    async def test_token_is_nowhere(
        self, app: FastAPI, calendars: Calendars, people: People, caplog: pytest.LogCaptureFixture, metrics: Metrics
    ) -> None:
        """No collection, event, log line or metric has the token of a feed that was created, read and deleted."""
        client, database = calendars.client, app.state.parley.database
        with caplog.at_level(logging.DEBUG, "parley"):
            feed = await calendars.create(people.candidate, name="My phone")
            await client.get(feed["url"])
            await client.head(feed["url"])
            await client.delete(f"{FEEDS}/{feed['id']}", headers=people.candidate.headers)
            await client.get(feed["url"])
        await logged(app, people.candidate.id)
        names = await database.list_collection_names()
        stored = [await database[name].find().to_list() for name in names]
        lines = [(record.getMessage(), record.__dict__) for record in caplog.records]
        recorded = [metrics.described(name) for name in metrics.names()]
        token = feed["url"].rpartition("/")[2].removesuffix(".ics")
        for kept in (stored, lines, recorded):
            assert token not in repr(kept)
        assert "GET /v1/calendar/feeds/{token}.ics" in caplog.text
        assert feed["id"] in repr(stored)

    async def test_what_is_stored(self, calendars: Calendars, people: People, database: Database) -> None:
        """Of the token the database has the SHA-256 alone."""
        url = (await calendars.create(people.candidate))["url"]
        found = await database[CALENDARS].find_one({"_id": people.candidate.id})
        assert found is not None
        token = FeedToken.parse(url.rpartition("/")[2].removesuffix(".ics"))
        assert token is not None
        assert [stored["digest"] for stored in found["feeds"]] == [token.digest]

    async def test_revocation(self, calendars: Calendars, people: People, database: Database) -> None:
        """`parley restore --revoke-sessions` deletes every feed; two accounts without one are no conflict."""
        urls = [(await calendars.create(owner))["url"] for owner in (people.candidate, people.admin)]
        await database[CALENDARS].update_many({}, REVOCATION.update)
        for url in urls:
            assert (await calendars.client.get(url)).status_code == 404


class TestStorage:
    async def test_a_digest_is_unique(self, app: FastAPI, people: People, database: Database) -> None:
        """Two accounts can't have the same token."""
        stored = {"feeds": [{"id": new_id(), "digest": "same"}]}
        await database[CALENDARS].insert_one({"_id": new_id(), **stored})
        with pytest.raises(DuplicateKeyError):
            await database[CALENDARS].insert_one({"_id": new_id(), **stored})

    async def test_queries_use_an_index(self, people: People, database: Database) -> None:
        """A token is found by its index, and an owner's feeds by their id."""
        wanted = {"feeds.digest": {"$eq": FeedToken.new().digest}}
        explained = await database.command({"explain": {"find": CALENDARS, "filter": wanted}})
        assert "'indexName': 'digest'" in repr(explained["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in repr(explained["queryPlanner"]["winningPlan"])

    async def test_an_old_document(
        self, client: httpx.AsyncClient, calendars: Calendars, people: People, database: Database
    ) -> None:
        """A feed without what a later release may add is read, and another one can be added."""
        feed = {"id": new_id(), "digest": FeedToken.new().digest, "created_at": NOON}
        await database[CALENDARS].insert_one({"_id": people.admin.id, "rev": 1, "feeds": [feed]})
        await calendars.create(people.admin)
        listed = (await client.get(FEEDS, headers=people.admin.headers)).json()["items"]
        assert [item["name"] for item in listed] == [None, None]
        await database[CALENDARS].update_one({"_id": people.admin.id}, {"$unset": {"feeds": True}})
        await calendars.create(people.admin)


async def on_each(workers: list[FastAPI], address: str) -> list[httpx.Response]:
    """The answers of all workers to one request."""
    answers = []
    for worker in workers:
        transport = httpx.ASGITransport(app=worker)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answers.append(await client.get(address))
    return answers


async def processor_time_of(request: Awaitable[httpx.Response]) -> float:
    """The seconds that this process worked for an answer."""
    began = time.process_time()
    assert (await request).status_code == 200
    return time.process_time() - began


def stored(user_id: str, scheduled_at: datetime) -> dict[str, Any]:
    """An interview as it is stored."""
    return {
        "_id": new_id(),
        "title": "Backend engineer",
        "status": "scheduled",
        "scheduled_at": scheduled_at,
        "participants": [{"user_id": user_id}],
        "rev": 1,
    }
