"""An answer that says "as you wanted" is as current as one that changed something: what it says, the next list shows.

Two workers on one database. The first changes something and stops between the write and its publication, so that nobody
is answered; the second is sent the same change and finds nothing to do. Its client lists what it was answered.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from pymongo import MongoClient

from parley_app import create_app
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings
from parley_core.caching.routes import CachedRoute
from parley_core.http.framework import original_of, routes_of
from parley_core.kernel.settings import CoreSettings
from parley_core.log import relay
from parley_core.testing import running_client
from parley_interviews.testing import address_of, create_interview

NEW = "New words"
INTERVIEWS, PARTICIPANTS = "/v1/interviews", "/v1/interviews/{interview_id}/participants"
USERS, USER, ME = "/v1/users", "/v1/users/{user_id}", "/v1/users/me"
# Their validators are read from the very document that is shown, whatever the generations are.
BY_DOCUMENT = {"/v1/interviews/{interview_id}", "/v1/interviews/{interview_id}/messages"}
Send = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Stage:
    """Two workers on one database."""

    apps: Sequence[FastAPI]
    workers: Sequence[httpx.AsyncClient]


@dataclass(frozen=True)
class World:
    """Who uses the workers of a stage, and an interview of theirs."""

    stage: Stage
    admin: Account
    member: Account
    interview: dict[str, Any]

    @property
    def address(self) -> str:
        """That of the interview."""
        return address_of(self.interview)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A change, its repeat's answer, and what a list must show after it.

    Args:
        route: the cached route.
        path: an address of it; unset is the route's.
        viewer: who sends the repeat's read.
        change: what the first worker is sent.
        repeat: what the second worker is sent; unset is the same.
        answer: the repeat's status, and its code.
        shows: whether what was read is as current as the answer.
    """

    route: str
    path: str = ""
    viewer: Account
    change: Send
    repeat: Send | None = None
    answer: tuple[int, str | None] = (200, None)
    shows: Callable[[Any], bool]


@pytest.fixture(scope="module")
async def stage(mongodb_uri: str) -> AsyncIterator[Stage]:
    name = f"test_{uuid.uuid4().hex[:20]}"
    settings = CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=name)  # type: ignore[arg-type]
    apps = [create_app([settings, auth_settings()]) for _ in range(2)]
    with pytest.MonkeyPatch.context() as patched:
        # The relay of the second worker would soon publish what the first one has left lying.
        patched.setattr(relay, "_LOOK_SECONDS", 600)
        async with running_client(apps[0]) as first, running_client(apps[1]) as second:
            yield Stage(apps, [first, second])
    with MongoClient[dict[str, object]](mongodb_uri) as mongodb:
        mongodb.drop_database(name)


@pytest.fixture
async def world(stage: Stage) -> World:
    admin, member = await an_account(stage.apps[0], "admin"), await an_account(stage.apps[0], "candidate")
    interview = await create_interview(stage.workers[0], admin, member, title="Old words")
    return World(stage, admin, member, interview)


def patch(path: str, body: dict[str, Any], caller: Account, **headers: str) -> Send:
    return lambda worker: worker.patch(path, json=body, headers={**caller.headers, **headers})


def post(path: str, body: dict[str, Any], caller: Account) -> Send:
    return lambda worker: worker.post(path, json=body, headers=caller.headers)


def with_item(**values: Any) -> Callable[[Any], bool]:
    """Return whether a page has an item with these values."""
    return lambda page: any(values.items() <= item.items() for item in page["items"])


def without_item(**values: Any) -> Callable[[Any], bool]:
    return lambda page: not with_item(**values)(page)


async def a_title(world: World) -> Case:
    change, shows = patch(world.address, {"title": NEW}, world.admin), with_item(id=world.interview["id"], title=NEW)
    return Case(route=INTERVIEWS, viewer=world.admin, change=change, shows=shows)


async def a_title_of_ones_own(world: World) -> Case:
    change, shows = patch(world.address, {"title": NEW}, world.admin), with_item(id=world.interview["id"], title=NEW)
    return Case(route=INTERVIEWS, viewer=world.member, change=change, shows=shows)


async def an_older_version(world: World) -> Case:
    change, shows = patch(world.address, {"title": NEW}, world.admin), with_item(id=world.interview["id"], title=NEW)
    repeat, answer = (
        patch(world.address, {"title": "My"}, world.admin, **{"If-Match": '"0"'}),
        (412, "precondition_failed"),
    )
    return Case(route=INTERVIEWS, viewer=world.admin, change=change, repeat=repeat, answer=answer, shows=shows)


async def a_status(world: World) -> Case:
    change = patch(f"{world.address}/status", {"status": "ongoing"}, world.admin)
    answer, shows = (400, "invalid_transition"), with_item(id=world.interview["id"], status="ongoing")
    return Case(route=INTERVIEWS, viewer=world.admin, change=change, answer=answer, shows=shows)


async def a_closed_interview(world: World) -> Case:
    change = patch(f"{world.address}/status", {"status": "cancelled"}, world.admin)
    repeat, answer = post(f"{world.address}/messages", {"content": "Hello"}, world.member), (400, "interview_closed")
    shows = with_item(id=world.interview["id"], status="cancelled")
    return Case(route=INTERVIEWS, viewer=world.member, change=change, repeat=repeat, answer=answer, shows=shows)


async def somebody_new(world: World) -> Case:
    other = await an_account(world.stage.apps[0], "candidate")
    change = post(f"{world.address}/participants", {"user_id": other.id}, world.admin)
    answer, shows = (400, "duplicate_participant"), with_item(id=world.interview["id"])
    return Case(route=INTERVIEWS, viewer=other, change=change, answer=answer, shows=shows)


async def somebody_gone(world: World) -> Case:
    def change(worker: httpx.AsyncClient) -> Awaitable[httpx.Response]:
        return worker.delete(f"{world.address}/participants/{world.member.id}", headers=world.admin.headers)

    answer, shows = (404, "participant_not_found"), without_item(id=world.interview["id"])
    return Case(route=INTERVIEWS, viewer=world.member, change=change, answer=answer, shows=shows)


async def a_name_among_participants(world: World) -> Case:
    path, shows = f"{world.address}/participants", with_item(user_id=world.member.id, name=NEW)
    change = patch(f"{USERS}/{world.member.id}", {"name": NEW}, world.admin)
    return Case(route=PARTICIPANTS, path=path, viewer=world.admin, change=change, shows=shows)


async def a_name(world: World) -> Case:
    change = patch(f"{USERS}/{world.member.id}", {"name": NEW}, world.admin)
    return Case(route=USERS, viewer=world.admin, change=change, shows=with_item(id=world.member.id, name=NEW))


async def a_role(world: World) -> Case:
    path = f"{USERS}/{world.member.id}"
    change = patch(path, {"role": "interviewer"}, world.admin)
    return Case(
        route=USER, path=path, viewer=world.admin, change=change, shows=lambda user: user["role"] == "interviewer"
    )


async def ones_own_name(world: World) -> Case:
    change = patch(ME, {"name": NEW}, world.member)
    return Case(route=ME, viewer=world.member, change=change, shows=lambda user: user["name"] == NEW)


async def a_taken_address(world: World) -> Case:
    email = f"{uuid.uuid4().hex}@example.com"
    change = post(USERS, {"email": email, "role": "candidate", "password": PASSWORD}, world.admin)
    answer, shows = (400, "duplicate_email"), with_item(email=email)
    return Case(route=USERS, viewer=world.admin, change=change, answer=answer, shows=shows)


async def an_inactive_account(world: World) -> Case:
    other = await an_account(world.stage.apps[0], "candidate")
    change = patch(f"{USERS}/{other.id}", {"active": False}, world.admin)
    repeat, answer = post(f"{world.address}/participants", {"user_id": other.id}, world.admin), (400, "inactive_user")
    shows = with_item(id=other.id, active=False)
    return Case(route=USERS, viewer=world.admin, change=change, repeat=repeat, answer=answer, shows=shows)


async def an_accepted_invitation(world: World) -> Case:
    worker, body = world.stage.workers[0], {"email": f"{uuid.uuid4().hex}@example.com", "role": "candidate"}
    invited = (await worker.post(USERS, json=body, headers=world.admin.headers)).json()["id"]
    invite = post(f"{USERS}/{invited}/link", {"purpose": "invitation"}, world.admin)
    change = post(
        "/v1/auth/accept", {"token": (await invite(worker)).json()["token"], "password": PASSWORD}, world.admin
    )
    answer, shows = (400, "password_exists"), with_item(id=invited, state="active")
    return Case(route=USERS, viewer=world.admin, change=change, repeat=invite, answer=answer, shows=shows)


CASES = [
    a_title,
    a_title_of_ones_own,
    an_older_version,
    a_status,
    a_closed_interview,
    somebody_new,
    somebody_gone,
    a_name_among_participants,
    a_name,
    a_role,
    ones_own_name,
    a_taken_address,
    an_inactive_account,
    an_accepted_invitation,
]


async def read(worker: httpx.AsyncClient, case: Case) -> tuple[str, bool]:
    """Return whether a read is answered from the cache, and whether it is as current as the case's answer."""
    answer = await worker.get(case.path or case.route, headers=case.viewer.headers)
    return answer.headers["Cache-Status"], case.shows(answer.json())


@asynccontextmanager
async def stopped_before_publication(app: FastAPI) -> AsyncIterator[asyncio.Event]:
    """Let a worker come as far as its publication and no farther; yield what is set once it is there."""
    generations = app.state.parley.database.generations
    reached, released, advance = asyncio.Event(), asyncio.Event(), generations.advance

    async def stop(keys: Collection[str]) -> None:
        # The relay has nothing to advance for what its own process has published.
        if keys:
            reached.set()
            await released.wait()
            await advance(keys)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(generations, "advance", stop)
        try:
            yield reached
        finally:
            released.set()


@pytest.mark.parametrize("case_of", CASES, ids=lambda case_of: case_of.__name__)
async def test_nothing_to_change(world: World, case_of: Callable[[World], Awaitable[Case]]) -> None:
    """Whoever is answered that it is as they wanted, or why it can't be, finds it so in the list that they ask for."""
    case, (first, second) = await case_of(world), world.stage.workers
    await read(second, case)
    kept = await read(second, case)
    assert kept == ("parley; hit", False)
    async with stopped_before_publication(world.stage.apps[0]) as reached:
        changing = asyncio.ensure_future(case.change(first))
        await asyncio.wait_for(reached.wait(), 10)
        # Nobody has published it yet: without the repeat the list is as old as it was.
        assert await read(second, case) == kept
        answer = await (case.repeat or case.change)(second)
        assert (answer.status_code, answer.json().get("code") if answer.content else None) == case.answer
        assert await read(second, case) == ("parley; fwd=miss", True)
    await changing


async def test_every_cached_route(world: World) -> None:
    """The cases are of every cached route but those that are proved by the document that they show."""
    routes = routes_of(world.stage.apps[0])
    found = {context.path for context in routes if isinstance(original_of(context), CachedRoute)}
    assert {(await case_of(world)).route for case_of in CASES} | BY_DOCUMENT == found


async def stale_after(worker: httpx.AsyncClient, change: Send, reads: Sequence[tuple[str, Account]], value: str) -> int:
    """Send a change, and list as soon as it is answered; return how many of the lists are older than the answer."""
    assert (await change(worker)).status_code == 200
    listed = [await worker.get(path, headers=viewer.headers) for path, viewer in reads]
    return sum(value not in answer.text for answer in listed)


@pytest.mark.attack
async def test_race(world: World) -> None:
    """Of two workers that are sent the same change at once, each lists what it has answered, in every round."""
    interview, user = world.address, f"{USERS}/{world.member.id}"
    shown_to_admins = [(path, world.admin) for path in (USERS, user, f"{interview}/participants")]
    races = [
        (interview, "title", [(INTERVIEWS, world.admin), (INTERVIEWS, world.member)]),
        (user, "name", [*shown_to_admins, (ME, world.member)]),
    ]
    stale = 0
    for turn in range(rounds(4, full=5000)):
        for path, name, reads in races:
            value = f"New {turn}."
            change = patch(path, {name: value}, world.admin)
            stale += sum(await asyncio.gather(*(stale_after(w, change, reads, value) for w in world.stage.workers)))
    assert stale == 0
