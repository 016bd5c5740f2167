"""What another package relies on: its routes inside an interview, `lock`, and what happens between guard and write.

A transaction of the test's own stands in a request's way until it commits, so that these races happen on every run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pytest
from attending import PAST, attendance, mark, outcome, rsvp
from fastapi import Depends, FastAPI, Path, status

from parley_auth import OUTSIDER, Guard, PolicyRule, PolicyTable, Principal, Resource, ScopedAccess
from parley_auth.testing import Account, an_account
from parley_core import (
    Actor,
    CollectionIndexes,
    Database,
    Event,
    Parley,
    ParleyDep,
    Router,
    Session,
    hookimpl,
    in_transaction,
    record,
)
from parley_core.testing import logged
from parley_interviews.attendance import schemas
from parley_interviews.attendance.models import Answer
from parley_interviews.attendance.service import AttendanceService
from parley_interviews.errors import InterviewClosed, InterviewNotFound
from parley_interviews.events import INTERVIEW_CANCELLED, INTERVIEW_RESCHEDULED, PARTICIPANT_REMOVED, PARTICIPANTS
from parley_interviews.interviews.repository import InterviewRepository
from parley_interviews.models import UNKNOWN_TIME, UNKNOWN_USER, Participant, ParticipantRole
from parley_interviews.participants.repository import ParticipantRepository
from parley_interviews.policy import OPEN
from parley_interviews.scope import SCOPES
from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

    Interview = dict[str, Any]
    Work = Callable[[Session], Awaitable[object]]

[SCOPE] = SCOPES
UNKNOWN_ID = "0" * 24
SYSTEM = Actor(None, "system", "test")
NotePost = Annotated[ScopedAccess, Depends(Guard("notes:post"))]
notes = Router(prefix="/interviews/{interview_id}/notes", tag="notes")


@notes.post("", summary="Post a note", status_code=status.HTTP_201_CREATED)
async def post_note(access: NotePost, _id: Annotated[str, Path(alias="interview_id")], parley: ParleyDep) -> str:
    """Store a note while the interview is open and its author takes part."""

    async def work(session: Session) -> None:
        await access.lock(session, "notes:post")
        await parley.database["notes"].insert_one({"interview_id": access.resource.id}, session=session)

    await in_transaction(parley.client, work)
    return "stored"


class Notes:
    """A third-party plugin with notes inside interviews."""

    @hookimpl
    def parley_routers(self) -> list[Router]:
        return [notes]

    @hookimpl
    def parley_indexes(self) -> list[CollectionIndexes]:
        return [CollectionIndexes("notes", ())]

    @hookimpl
    def parley_policies(self) -> list[PolicyRule]:
        states = frozenset(map(str, OPEN))
        return [PolicyRule(action="notes:post", scope="interview", roles=None, states=states)]


@pytest.fixture(scope="module")
async def noting(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another worker, which has the notes."""
    async with deployment.worker(Notes()) as client:
        yield client


@pytest.fixture
def parley(app: FastAPI) -> Parley:
    return app.state.parley  # type: ignore[no-any-return]


@asynccontextmanager
async def meanwhile(parley: Parley, work: Work) -> AsyncIterator[list[asyncio.Task[httpx.Response]]]:
    """Do `work` in a transaction, which commits when the requests that were put into the list wait for it."""
    requests: list[asyncio.Task[httpx.Response]] = []
    async with parley.client.start_session() as session, await session.start_transaction():
        assert await work(session)
        yield requests
        await asyncio.sleep(0.3)
        assert not any(request.done() for request in requests)


def an_admin(parley: Parley, interview: Interview) -> ScopedAccess:
    """The access of an administrator who doesn't take part."""
    principal, resource = Principal(UNKNOWN_USER, "admin", ""), Resource(interview["id"], "scheduled", OUTSIDER, 1)
    return ScopedAccess(principal, "test", parley.require(PolicyTable), resource, parley, SCOPES[0])


def removal(parley: Parley, interview: Interview, person: Account) -> Work:
    event = Event(type=PARTICIPANT_REMOVED, at=parley.clock(), actor=SYSTEM, audience=PARTICIPANTS)
    repository = ParticipantRepository(parley.database)
    participant = Participant(person.id, ParticipantRole(person.user.role), UNKNOWN_USER, UNKNOWN_TIME)
    by = an_admin(parley, interview)
    return lambda session: repository.remove(interview["id"], participant, event, by=by, session=session)


def cancellation(parley: Parley, interview: Interview) -> Work:
    event = Event(type=INTERVIEW_CANCELLED, at=parley.clock(), actor=SYSTEM, audience=PARTICIPANTS)
    collection, changes = parley.database["interviews"], {"status": "cancelled", "schedule_version": 1}
    return lambda session: record(collection, {"_id": interview["id"]}, changes, event, session=session)


def move(parley: Parley, interview: Interview) -> Work:
    event = Event(type=INTERVIEW_RESCHEDULED, at=parley.clock(), actor=SYSTEM, audience=PARTICIPANTS)
    collection, changes = parley.database["interviews"], {"duration_minutes": 90, "schedule_version": 1}
    return lambda session: record(collection, {"_id": interview["id"]}, changes, event, session=session)


def locking(parley: Parley, interview: Interview) -> Work:
    return lambda session: parley.require(InterviewRepository).lock(interview["id"], None, session)


async def transition(client: httpx.AsyncClient, caller: Account, interview: Interview, status: str) -> httpx.Response:
    return await client.patch(f"{address_of(interview)}/status", json={"status": status}, headers=caller.headers)


async def note(client: httpx.AsyncClient, author: Account, interview: Interview) -> httpx.Response:
    return await client.post(f"{address_of(interview)}/notes", headers=author.headers)


class TestBetweenGuardAndWrite:
    async def test_interviewer_is_removed(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """A caller who is removed between guard and write starts nothing, and is answered like any outsider."""
        interview = await create_interview(client, people.admin, people.interviewer)
        async with meanwhile(parley, removal(parley, interview, people.interviewer)) as requests:
            requests.append(asyncio.create_task(transition(client, people.interviewer, interview, "ongoing")))
        assert outcome(await requests[0]) == (403, "not_a_participant")
        now = (await client.get(address_of(interview), headers=people.admin.headers)).json()
        assert (now["status"], now["rev"]) == ("scheduled", 2)

    async def test_and_learns_nothing(
        self, client: httpx.AsyncClient, people: People, parley: Parley, deployment: Deployment
    ) -> None:
        """Where existence is hidden, the answer is that there is no such interview."""
        interview = await create_interview(client, people.admin, people.interviewer)
        async with deployment.worker(hide_existence=True) as hiding:
            async with meanwhile(parley, removal(parley, interview, people.interviewer)) as requests:
                requests.append(asyncio.create_task(transition(hiding, people.interviewer, interview, "ongoing")))
            assert outcome(await requests[0]) == (404, "interview_not_found")

    async def test_somebody_else_is_removed(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """Another participant's removal is no obstacle."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        async with meanwhile(parley, removal(parley, interview, people.candidate)) as requests:
            requests.append(asyncio.create_task(transition(client, people.interviewer, interview, "ongoing")))
        assert outcome(await requests[0]) == (200, None)

    async def test_interview_is_cancelled(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """An interview that is cancelled after the guard takes no change, and each answer says why."""
        interview = await create_interview(client, people.admin, people.interviewer)
        address, headers = address_of(interview), people.admin.headers
        changes: dict[tuple[str, str], tuple[dict[str, str] | None, str]] = {
            ("PATCH", ""): ({"title": "Other"}, "interview_closed"),
            ("PATCH", "/status"): ({"status": "ongoing"}, "invalid_transition"),
            ("POST", "/participants"): ({"user_id": people.candidate.id}, "interview_closed"),
            ("DELETE", f"/participants/{people.interviewer.id}"): (None, "interview_closed"),
        }
        async with meanwhile(parley, cancellation(parley, interview)) as requests:
            for (method, rest), (body, _) in changes.items():
                request = client.request(method, address + rest, json=body, headers=headers)
                requests.append(asyncio.create_task(request))
        assert [outcome(await request) for request in requests] == [(400, code) for _, code in changes.values()]
        now = (await client.get(address, headers=headers)).json()
        assert (now["status"], now["rev"], now["title"]) == ("cancelled", 2, interview["title"])


class Unlocked(ScopedAccess):
    """An access whose transactions lock nothing."""

    async def lock(self, session: Session, action: str) -> None:
        """Let the interview and the participant change before the transaction ends."""


class TestBetweenGuardAndAnswer:
    async def test_interview_is_moved(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """An answer to the time of before waits for the move that is under way, and is refused."""
        interview = await create_interview(client, people.admin, people.candidate)
        async with meanwhile(parley, move(parley, interview)) as requests:
            requests.append(asyncio.create_task(rsvp(client, people.candidate, interview)))
        assert outcome(await requests[0]) == (400, "schedule_changed")
        [item] = (await attendance(client, people.admin, interview))["items"]
        assert item["answer"] is None

    async def test_without_the_lock(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """The move would come between: without the lock an answer to the time of before is accepted beside it."""
        interview = await create_interview(client, people.admin, people.candidate)
        principal = Principal(people.candidate.id, "candidate", "")
        resource = Resource(interview["id"], "scheduled", "candidate", 1)
        access = Unlocked(principal, "test", parley.require(PolicyTable), resource, parley, SCOPE)
        async with meanwhile(parley, move(parley, interview)):
            wanted = schemas.Rsvp(answer=Answer.ACCEPTED, schedule_version=0)
            assert (await parley.require(AttendanceService).answer(access, wanted)).is_current
        [item] = (await attendance(client, people.admin, interview))["items"]
        assert (item["answer"], item["is_current"]) == ("accepted", False)

    async def test_interview_is_cancelled(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """Neither an answer nor a mark lands on an interview that is cancelled after the guard."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=PAST)
        async with meanwhile(parley, cancellation(parley, interview)) as requests:
            requests.append(asyncio.create_task(rsvp(client, people.candidate, interview)))
            requests.append(asyncio.create_task(mark(client, people.admin, interview, people.candidate, "present")))
        assert [outcome(await request) for request in requests] == [(400, "interview_closed")] * 2
        [item] = (await attendance(client, people.admin, interview))["items"]
        assert (item["answer"], item["attended"]) == (None, "unknown")

    async def test_participant_is_removed(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """Whoever is removed after the guard answers nothing and isn't marked."""
        interview = await create_interview(client, people.admin, people.candidate, scheduled_at=PAST)
        async with meanwhile(parley, removal(parley, interview, people.candidate)) as requests:
            requests.append(asyncio.create_task(rsvp(client, people.candidate, interview)))
            requests.append(asyncio.create_task(mark(client, people.admin, interview, people.candidate, "present")))
        assert [outcome(await request) for request in requests] == [
            (403, "not_a_participant"),
            (404, "participant_not_found"),
        ]

    async def test_everybody_at_once(self, app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
        """Of many who answer at once none is lost, and each is one revision."""
        everybody = [await an_account(app) for _ in range(8)]
        interview = await create_interview(client, people.admin, *everybody)
        answers = await asyncio.gather(*(rsvp(client, person, interview) for person in everybody))
        assert {outcome(answer) for answer in answers} == {(200, None)}
        items = (await attendance(client, people.admin, interview))["items"]
        assert [item["answer"] for item in items] == ["accepted"] * 8
        entries = [entry for entry in await logged(app, interview["id"]) if entry.kind == "attendance"]
        assert [entry.rev for entry in entries] == list(range(1, 9))


class TestLock:
    async def test_leaves_no_trace(self, client: httpx.AsyncClient, noting: httpx.AsyncClient, people: People) -> None:
        """Locking an interview raises no rev, writes no history and changes no byte of what is read."""
        interview = await create_interview(client, people.admin, people.candidate)
        before = await client.get(address_of(interview), headers=people.admin.headers)
        assert outcome(await note(noting, people.candidate, interview)) == (201, None)
        after = await client.get(address_of(interview), headers=people.admin.headers)
        assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])
        history = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
        assert history.json()["total"] == 1

    async def test_only_those_who_take_part(
        self, client: httpx.AsyncClient, noting: httpx.AsyncClient, people: People
    ) -> None:
        """Another package's route in an interview is guarded like ours: outsiders are refused, administrators too."""
        interview = await create_interview(client, people.admin, people.candidate)
        for stranger in (people.interviewer, people.admin):
            assert outcome(await note(noting, stranger, interview)) == (403, "not_a_participant")

    async def test_after_removal_and_cancellation(
        self, client: httpx.AsyncClient, noting: httpx.AsyncClient, people: People, parley: Parley, database: Database
    ) -> None:
        """A removal or cancellation between guard and transaction is noticed, and nothing is stored."""
        for prepare, expected in (("remove", (403, "not_a_participant")), ("cancel", (400, "interview_closed"))):
            interview = await create_interview(client, people.admin, people.candidate)
            work = removal(parley, interview, people.candidate)
            if prepare == "cancel":
                work = cancellation(parley, interview)
            async with meanwhile(parley, work) as requests:
                requests.append(asyncio.create_task(note(noting, people.candidate, interview)))
            assert outcome(await requests[0]) == expected
            assert await database["notes"].count_documents({"interview_id": interview["id"]}) == 0

    async def test_keeps_changes_waiting(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """While an interview is locked neither its status nor its participants change; afterwards they do."""
        interview = await create_interview(client, people.admin, people.candidate)
        place = f"{address_of(interview)}/participants/{people.candidate.id}"
        async with meanwhile(parley, locking(parley, interview)) as requests:
            requests.append(asyncio.create_task(transition(client, people.admin, interview, "ongoing")))
            requests.append(asyncio.create_task(client.delete(place, headers=people.admin.headers)))
        assert [(await request).status_code for request in requests] == [200, 204]

    @pytest.mark.parametrize("change", ["cancel", "remove"])
    async def test_nothing_lands_afterwards(
        self, client: httpx.AsyncClient, noting: httpx.AsyncClient, people: People, database: Database, change: str
    ) -> None:
        """No note is stored after a concurrent cancellation or removal of its author; 5 rounds."""
        refusal = (400, "interview_closed") if change == "cancel" else (403, "not_a_participant")
        for _ in range(5):
            interview = await create_interview(client, people.admin, people.candidate)
            mine = {"interview_id": interview["id"]}
            posts = [asyncio.create_task(note(noting, people.candidate, interview)) for _ in range(8)]
            await asyncio.sleep(0.02)
            place = f"{address_of(interview)}/participants/{people.candidate.id}"
            if change == "cancel":
                done = await transition(client, people.admin, interview, "cancelled")
            else:
                done = await client.delete(place, headers=people.admin.headers)
            stored = await database["notes"].count_documents(mine)
            outcomes = [outcome(await post) for post in posts]
            assert done.is_success
            assert set(outcomes) <= {(201, None), refusal}
            assert await database["notes"].count_documents(mine) == stored == outcomes.count((201, None))

    async def test_answers_what_was_asked(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """It returns the state and the roles of those among the given users who take part."""
        interview = await create_interview(client, people.admin, people.interviewer, people.candidate)
        asked = [people.candidate.id, people.admin.id]

        async def work(session: Session) -> Any:
            return await SCOPE.lock(parley, session, interview["id"], asked, "interviews:update")

        locked = await in_transaction(parley.client, work)
        assert (locked.state, locked.relations) == ("scheduled", {people.candidate.id: "candidate"})

    async def test_refuses(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """An interview that doesn't exist isn't found; one in another state than the action's is closed."""
        interview = await create_interview(client, people.admin)
        for interview_id, action, error in (
            (UNKNOWN_ID, "interviews:update", InterviewNotFound),
            (UNKNOWN_ID, "interviews:read", InterviewNotFound),
            (interview["id"], "interviews:complete", InterviewClosed),
        ):
            with pytest.raises(error):
                await in_transaction(
                    parley.client,
                    lambda session, i=interview_id, a=action: SCOPE.lock(parley, session, i, [], a),  # type: ignore[misc]
                )
