"""A history has no limit: nothing is refused for want of room, and it is complete at every moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_core import Actor, Database, Document, Event, EventLog, LogFilter, Parley, Session, record
from parley_core.log.relay import Relay
from parley_interviews.events import INTERVIEW_UPDATED
from parley_interviews.history.repository import InterviewHistory
from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from conftest import People

    Interview = dict[str, Any]

CHANGES = rounds(30, full=2_100)
AT_ONCE = rounds(30, full=200)
LONG = rounds(300, full=10_000)


@pytest.fixture
def parley(app: FastAPI) -> Parley:
    return app.state.parley  # type: ignore[no-any-return]


async def moved(client: httpx.AsyncClient, people: People, interview: Interview, rooms: Sequence[str]) -> None:
    """Move an interview into one room after the other."""
    for room in rooms:
        answer = await client.patch(address_of(interview), json={"location": room}, headers=people.admin.headers)
        assert answer.status_code == 200, answer.text


async def revs(
    client: httpx.AsyncClient, people: People, interview: Interview, *, offset: int, limit: int = 100
) -> tuple[list[int], int]:
    """The revisions of one page of an interview's history, and the total."""
    address = f"{address_of(interview)}/history?offset={offset}&limit={limit}"
    page = (await client.get(address, headers=people.admin.headers)).json()
    return [entry["rev"] for entry in page["items"]], page["total"]


@pytest.mark.attack
class TestRoom:
    async def test_after_many_changes(self, client: httpx.AsyncClient, people: People) -> None:
        """However often interviews have changed, people are removed, an interview starts, another is cancelled."""
        started, cancelled = [
            await create_interview(client, people.admin, people.interviewer, people.candidate) for _ in range(2)
        ]
        rooms = [f"Room {number}" for number in range(CHANGES)]
        await asyncio.gather(*(moved(client, people, interview, rooms) for interview in (started, cancelled)))
        admin, candidate = people.admin.headers, people.candidate
        for interview in (started, cancelled):
            gone = await client.delete(f"{address_of(interview)}/participants/{candidate.id}", headers=admin)
            assert gone.status_code == 204
            assert (await client.get(address_of(interview), headers=candidate.headers)).status_code == 403
        for interview, status in ((started, "ongoing"), (cancelled, "cancelled")):
            answer = await client.patch(f"{address_of(interview)}/status", json={"status": status}, headers=admin)
            assert answer.status_code == 200
            assert answer.json()["rev"] == CHANGES + 3
            assert await revs(client, people, interview, offset=CHANGES) == (
                [CHANGES + 1, CHANGES + 2, CHANGES + 3],
                CHANGES + 3,
            )

    async def test_documents_stay_small(
        self, client: httpx.AsyncClient, people: People, parley: Parley, database: Database
    ) -> None:
        """An interview's document doesn't grow with its changes: what is in the log is no longer in it."""
        interview = await create_interview(client, people.admin)
        await moved(client, people, interview, [f"Room {number}" for number in range(AT_ONCE)])
        await parley.require(Relay).drain()
        stored = await database["interviews"].find_one({"_id": interview["id"]})
        assert stored is not None
        assert (stored["rev"], stored["history"]) == (AT_ONCE + 1, [])


def with_a_past(entry: Document, length: int) -> list[Document]:
    """Entries like this one, as a release from before the log left them in the document."""
    return [{**entry, "rev": rev, "type": "interview.updated"} for rev in range(1, length + 1)]


@pytest.mark.attack
class TestLong:
    async def test_every_offset(
        self, client: httpx.AsyncClient, people: People, parley: Parley, database: Database
    ) -> None:
        """Of a long history every offset is a seek, in the document, in the log, and while others write."""
        interview = await create_interview(client, people.admin)
        stored = await database["interviews"].find_one_and_update({"_id": interview["id"]}, {"$unset": {"history": 1}})
        assert stored is not None
        [entry] = stored["history"]
        past = {"rev": LONG, "history": with_a_past(entry, LONG)}
        await database["interviews"].update_one({"_id": interview["id"]}, {"$set": past})
        rooms = [f"Room {number}" for number in range(20)]
        async with asyncio.TaskGroup() as group:
            group.create_task(moved(client, people, interview, rooms))
            group.create_task(parley.require(Relay).drain())
            for offset in (0, 1, 99, LONG // 2, LONG - 100, LONG - 1, LONG):
                found, total = await revs(client, people, interview, offset=offset)
                assert LONG <= total <= LONG + 20
                assert found == list(range(offset + 1, min(offset + 100, total) + 1))
        await parley.require(Relay).drain()
        walked = [await revs(client, people, interview, offset=offset) for offset in range(0, LONG + 20, 100)]
        assert [rev for found, _ in walked for rev in found] == list(range(1, LONG + 21))
        assert {total for _, total in walked} == {LONG + 20}


class Interrupted(InterviewHistory):
    """A history during whose reading the relay brings everything into the log."""

    def __init__(self, parley: Parley) -> None:
        super().__init__(parley.database)
        self._relay = parley.require(Relay)

    async def _logged(self, ids: Sequence[str]) -> list[Document]:
        await self._relay.drain()
        return await super()._logged(ids)


class TestComplete:
    @pytest.mark.attack
    async def test_while_others_write(self, client: httpx.AsyncClient, people: People) -> None:
        """Readers who walk the history during concurrent changes miss none at any moment."""
        interview = await create_interview(client, people.admin)
        async with asyncio.TaskGroup() as group:
            rooms = [[f"Room {number} of {writer}" for number in range(AT_ONCE // 5)] for writer in range(5)]
            writers = [group.create_task(moved(client, people, interview, each)) for each in rooms]
            while not all(writer.done() for writer in writers):
                offset = total = 0
                while offset <= total:
                    found, total = await revs(client, people, interview, offset=offset, limit=7)
                    assert found == list(range(offset + 1, min(offset + 7, total) + 1))
                    offset += 7
        assert (await revs(client, people, interview, offset=AT_ONCE))[0] == [AT_ONCE + 1]

    async def test_between_the_two_reads(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """An entry that moves into the log while a page is read is in it, since the document is read first."""
        interview = await create_interview(client, people.admin)
        await left_lying(parley, interview)
        entries, total = await Interrupted(parley).page(interview["id"], limit=100, offset=0)
        assert ([entry.rev for entry in entries], total) == ([1, 2], 2)

        await left_lying(parley, interview)
        interviews, log = parley.database["interviews"], parley.require(EventLog)
        logged = await log.after(0, limit=100, where=LogFilter(subject_id=interview["id"]))
        await parley.require(Relay).drain()
        stored = await interviews.find_one({"_id": interview["id"]})
        assert stored is not None
        assert ([entry.rev for entry in logged], stored["history"]) == ([1, 2], []), "the other order misses 3"


async def left_lying(parley: Parley, interview: Interview) -> None:
    """Change an interview so that the relay, which isn't told of the commit, waits for a second."""
    event = Event(type=INTERVIEW_UPDATED, at=parley.clock(), actor=Actor(None, "system", "test"))

    async def work(session: Session) -> None:
        changed = {"location": "Room 5"}
        await record(parley.database["interviews"], {"_id": interview["id"]}, changed, event, session=session)

    async with parley.client.start_session() as session:
        await session.with_transaction(work)
