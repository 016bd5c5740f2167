"""What another package relies on: its routes inside an interview, `hold`, and what happens between guard and write.

A transaction of the test's own stands in a request's way until it commits, so that these races happen on every run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Path, status

from parley_auth import Guard, Membership, PolicyRule, Role, ScopedAccess
from parley_auth.testing import Account
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
)
from parley_interviews.errors import InterviewClosed, InterviewNotFound
from parley_interviews.events import INTERVIEW_CANCELLED, PARTICIPANT_REMOVED
from parley_interviews.policy import OPEN
from parley_interviews.repository import InterviewRepository, audience
from parley_interviews.scope import SCOPES
from parley_interviews.testing import address_of, plan

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
    """Stores a note as long as the interview is open and its author takes part."""

    async def work(session: Session) -> None:
        await access.lock(session, "notes:post")
        await parley.database["notes"].insert_one({"interview_id": access.resource.id}, session=session)

    await in_transaction(parley.client, work)
    return "stored"


class Notes:
    """A plugin of somebody else's, whose notes stand inside interviews."""

    @hookimpl
    def parley_routers(self) -> list[Router]:
        return [notes]

    @hookimpl
    def parley_indexes(self) -> list[CollectionIndexes]:
        return [CollectionIndexes("notes", ())]

    @hookimpl
    def parley_policies(self) -> list[PolicyRule]:
        roles, states = frozenset(Role), frozenset(map(str, OPEN))
        membership = Membership.PARTICIPANT
        return [PolicyRule(action="notes:post", scope="interview", roles=roles, membership=membership, states=states)]


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
    """Does `work` in a transaction, which commits when the requests that were put into the list wait for it."""
    requests: list[asyncio.Task[httpx.Response]] = []
    async with parley.client.start_session() as session, await session.start_transaction():
        assert await work(session)
        yield requests
        await asyncio.sleep(0.3)
        assert not any(request.done() for request in requests)


def removal(parley: Parley, interview: Interview, person: Account) -> Work:
    event = Event(type=PARTICIPANT_REMOVED, at=parley.clock(), actor=SYSTEM, audience=audience())
    repository = InterviewRepository(parley.database)
    return lambda session: repository.remove_participant(interview["id"], person.id, event, session)


async def cancellation(parley: Parley, interview: Interview) -> Work:
    event = Event(type=INTERVIEW_CANCELLED, at=parley.clock(), actor=SYSTEM, audience=audience())
    repository = InterviewRepository(parley.database)
    before = await repository.get(interview["id"])
    assert before is not None
    return lambda session: repository.change(before, {"status": "cancelled"}, event, session=session)


def holding(parley: Parley, interview: Interview) -> Work:
    return lambda session: InterviewRepository(parley.database).lock(interview["id"], None, session)


async def transition(client: httpx.AsyncClient, caller: Account, interview: Interview, status: str) -> httpx.Response:
    return await client.patch(f"{address_of(interview)}/status", json={"status": status}, headers=caller.headers)


async def note(client: httpx.AsyncClient, author: Account, interview: Interview) -> httpx.Response:
    return await client.post(f"{address_of(interview)}/notes", headers=author.headers)


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["code"] if answer.is_error else None


class TestBetweenGuardAndWrite:
    async def test_interviewer_is_removed(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """Who is removed after his guard and before his write starts nothing, and is answered like any stranger."""
        interview = await plan(client, people.admin, people.interviewer)
        async with meanwhile(parley, removal(parley, interview, people.interviewer)) as requests:
            requests.append(asyncio.create_task(transition(client, people.interviewer, interview, "ongoing")))
        assert outcome(await requests[0]) == (403, "not_a_participant")
        now = (await client.get(address_of(interview), headers=people.admin.headers)).json()
        assert (now["status"], now["rev"]) == ("scheduled", 2)

    async def test_and_learns_nothing(
        self, client: httpx.AsyncClient, people: People, parley: Parley, deployment: Deployment
    ) -> None:
        """Where existence is hidden he is told that there is no such interview."""
        interview = await plan(client, people.admin, people.interviewer)
        async with deployment.worker(hide_existence=True) as hiding:
            async with meanwhile(parley, removal(parley, interview, people.interviewer)) as requests:
                requests.append(asyncio.create_task(transition(hiding, people.interviewer, interview, "ongoing")))
            assert outcome(await requests[0]) == (404, "interview_not_found")

    async def test_somebody_else_is_removed(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """Anybody else's removal is no obstacle."""
        interview = await plan(client, people.admin, people.interviewer, people.candidate)
        async with meanwhile(parley, removal(parley, interview, people.candidate)) as requests:
            requests.append(asyncio.create_task(transition(client, people.interviewer, interview, "ongoing")))
        assert outcome(await requests[0]) == (200, None)

    async def test_interview_is_cancelled(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """What is cancelled after the guard takes no change any more, and each request is told why."""
        interview = await plan(client, people.admin, people.interviewer)
        address, headers = address_of(interview), people.admin.headers
        changes: dict[tuple[str, str], tuple[dict[str, str] | None, str]] = {
            ("PATCH", ""): ({"title": "Other"}, "interview_closed"),
            ("PATCH", "/status"): ({"status": "ongoing"}, "invalid_transition"),
            ("POST", "/participants"): ({"user_id": people.candidate.id}, "interview_closed"),
            ("DELETE", f"/participants/{people.interviewer.id}"): (None, "interview_closed"),
        }
        async with meanwhile(parley, await cancellation(parley, interview)) as requests:
            for (method, rest), (body, _) in changes.items():
                request = client.request(method, address + rest, json=body, headers=headers)
                requests.append(asyncio.create_task(request))
        assert [outcome(await request) for request in requests] == [(400, code) for _, code in changes.values()]
        now = (await client.get(address, headers=headers)).json()
        assert (now["status"], now["rev"], now["title"]) == ("cancelled", 2, interview["title"])


class TestHold:
    async def test_leaves_no_trace(self, client: httpx.AsyncClient, noting: httpx.AsyncClient, people: People) -> None:
        """Holding an interview raises no rev, writes no history and changes no byte of what is read."""
        interview = await plan(client, people.admin, people.candidate)
        before = await client.get(address_of(interview), headers=people.admin.headers)
        assert outcome(await note(noting, people.candidate, interview)) == (201, None)
        after = await client.get(address_of(interview), headers=people.admin.headers)
        assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])
        history = await client.get(f"{address_of(interview)}/history", headers=people.admin.headers)
        assert history.json()["total"] == 1

    async def test_only_those_who_take_part(
        self, client: httpx.AsyncClient, noting: httpx.AsyncClient, people: People
    ) -> None:
        """Another package's route in an interview is guarded like ours: strangers, administrators too, are refused."""
        interview = await plan(client, people.admin, people.candidate)
        for stranger in (people.interviewer, people.admin):
            assert outcome(await note(noting, stranger, interview)) == (403, "not_a_participant")

    async def test_after_removal_and_cancellation(
        self, client: httpx.AsyncClient, noting: httpx.AsyncClient, people: People, parley: Parley, database: Database
    ) -> None:
        """What was removed or cancelled between guard and transaction is refused, and nothing is stored."""
        for prepare, expected in (("remove", (403, "not_a_participant")), ("cancel", (400, "interview_closed"))):
            interview = await plan(client, people.admin, people.candidate)
            work = removal(parley, interview, people.candidate)
            if prepare == "cancel":
                work = await cancellation(parley, interview)
            async with meanwhile(parley, work) as requests:
                requests.append(asyncio.create_task(note(noting, people.candidate, interview)))
            assert outcome(await requests[0]) == expected
            assert await database["notes"].count_documents({"interview_id": interview["id"]}) == 0

    async def test_keeps_changes_waiting(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """As long as an interview is held neither its status nor its participants change; then they do."""
        interview = await plan(client, people.admin, people.candidate)
        place = f"{address_of(interview)}/participants/{people.candidate.id}"
        async with meanwhile(parley, holding(parley, interview)) as requests:
            requests.append(asyncio.create_task(transition(client, people.admin, interview, "ongoing")))
            requests.append(asyncio.create_task(client.delete(place, headers=people.admin.headers)))
        assert [(await request).status_code for request in requests] == [200, 204]

    @pytest.mark.parametrize("change", ["cancel", "remove"])
    async def test_nothing_lands_afterwards(
        self, client: httpx.AsyncClient, noting: httpx.AsyncClient, people: People, database: Database, change: str
    ) -> None:
        """Of notes that meet a cancellation or their author's removal none is stored after it; 5 rounds."""
        refusal = (400, "interview_closed") if change == "cancel" else (403, "not_a_participant")
        for _ in range(5):
            interview = await plan(client, people.admin, people.candidate)
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
        """It tells the state and the roles of those asked for who take part, and of nobody else."""
        interview = await plan(client, people.admin, people.interviewer, people.candidate)
        asked = [people.candidate.id, people.admin.id]

        async def work(session: Session) -> Any:
            return await SCOPE.lock(parley, session, interview["id"], asked, "interviews:update")

        held = await in_transaction(parley.client, work)
        assert (held.state, held.participants) == ("scheduled", {people.candidate.id: "candidate"})

    async def test_refuses(self, client: httpx.AsyncClient, people: People, parley: Parley) -> None:
        """An interview that doesn't exist isn't found; one in another state than the action's is closed."""
        interview = await plan(client, people.admin)
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
