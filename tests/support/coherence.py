"""Random writes and reads of every cached route, through several workers, compared with one that has no cache.

A read is asked of the uncached worker, then of another, then of the uncached one again. Where both uncached answers
are the same and no write was under way, the other worker must have said the same. A write that was under way may have
been done and not yet answered, or undone by another one: then all writes wait, and worker and oracle are asked again.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from parley_auth.testing import Account, log_in
from parley_core.caching.routes import CachedRoute
from parley_core.http.framework import original_of, routes_of
from parley_interviews.testing import an_interview

AT_ONCE, BURST = 12, 200
UNAVAILABLE = 503
"""What a machine that is too busy answers; nothing is compared then."""
ADDRESSES = {
    "/v1/users": ("", "?sort=name&limit=5", "?role=interviewer", "?active=true&limit=3", "?q=name"),
    "/v1/users/me": ("",),
    "/v1/users/{user_id}": ("",),
    "/v1/interviews": ("", "?sort=title&limit=2", "?status=scheduled", "?q=title", "?limit=1&offset=2"),
    "/v1/interviews/{interview_id}": ("",),
    "/v1/interviews/{interview_id}/participants": ("", "?former=true", "?limit=1"),
    "/v1/interviews/{interview_id}/messages": ("", "?sort=-seq&limit=3", "?before_seq=4", "?after_seq=2"),
}
"""The path of each cached route -> the queries that it is asked with."""


def cached_routes(app: FastAPI) -> dict[str, CachedRoute]:
    """Return the cached routes of an application by their paths."""
    found = [(str(route.path), original_of(route)) for route in routes_of(app)]
    return {path: route for path, route in found if isinstance(route, CachedRoute)}


@dataclass
class Member:
    """Somebody whose account is changed: their headers are those of their newest session."""

    account: Account
    headers: dict[str, str]
    rights: asyncio.Lock = field(default_factory=asyncio.Lock)
    """For who changes their rights, one after the other: a deactivated account gets no new session."""

    @property
    def id(self) -> str:
        """The account's id."""
        return self.account.id


class Writers:
    """Those who write; they can be made to wait."""

    def __init__(self) -> None:
        self.begun = self.done = 0
        self._may_begin, self._one_stop = asyncio.Event(), asyncio.Lock()
        self._may_begin.set()
        self._idle = asyncio.Condition()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Make one write."""
        await self._may_begin.wait()
        self.begun += 1
        try:
            yield
        finally:
            self.done += 1
            async with self._idle:
                self._idle.notify_all()

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Have nobody write during the block."""
        async with self._one_stop:
            self._may_begin.clear()
            async with self._idle:
                await self._idle.wait_for(lambda: self.begun == self.done)
            try:
                yield
            finally:
                self._may_begin.set()


@dataclass
class Tally:
    """What a run has done and found."""

    writes: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    undecided: int = 0
    stale: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """Workers, one of them without a cache, who uses them, and what they talk about.

    Args:
        workers: clients of those with a cache.
        oracle: a client of the one without.
        app: an application on the same database, in which sessions are opened.
        boss: an administrator whose account nobody changes.
        members: those whose accounts are changed.
        random: makes all choices.
    """

    workers: list[httpx.AsyncClient]
    oracle: httpx.AsyncClient
    app: FastAPI
    boss: Account
    members: list[Member]
    random: random.Random
    interviews: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    writers: Writers = field(default_factory=Writers)
    numbers: int = 0

    def fresh(self, word: str) -> str:
        """Return a text that was never used before: nothing is ever changed back to what it was."""
        self.numbers += 1
        return f"{word} {self.numbers}"

    def address(self, template: str, query: str) -> str:
        """Return some address of a route with a query."""
        ids = {"user_id": self.random.choice(self.members).id, "interview_id": self.random.choice(self.interviews)}
        return template.format(**ids) + query

    def any_headers(self) -> dict[str, str]:
        """Return somebody's headers."""
        return self.random.choice([*(member.headers for member in self.members), self.boss.headers])

    async def send(self, method: str, path: str, body: object = None, *, by: dict[str, str] | None = None) -> int:
        """Send a write through any worker, by default as the boss, and return its status."""
        headers = self.boss.headers if by is None else by
        answer = await self.random.choice(self.workers).request(method, f"/v1/{path}", json=body, headers=headers)
        assert answer.status_code < 500 or answer.status_code == UNAVAILABLE, answer.text
        return answer.status_code


async def add_interview(world: World, member: Member) -> None:
    """Create an interview in the place of the oldest one, which is cancelled."""
    people = {one.id for one in (member, *world.random.sample(world.members, 2))}
    body = an_interview(title=world.fresh("title"), participants=[{"user_id": user_id} for user_id in sorted(people)])
    worker = world.random.choice(world.workers or [world.oracle])
    answer = await worker.post("/v1/interviews", json=body, headers=world.boss.headers)
    if answer.is_error:  # somebody's account is not active just now
        assert answer.status_code == 400, answer.text
        return
    world.interviews.append(answer.json()["id"])
    if len(world.interviews) > 4:
        await world.send("PATCH", f"interviews/{world.interviews.pop(0)}/status", {"status": "cancelled"})


async def rename(world: World, member: Member) -> None:
    """Rename an account, as an administrator or as its owner."""
    body = {"name": world.fresh("name")}
    if world.random.random() < 0.5:
        await world.send("PATCH", f"users/{member.id}", body)
    else:
        await world.send("PATCH", "users/me", body, by=member.headers)


async def change_role(world: World, member: Member) -> None:
    """Give an account another role."""
    role = world.random.choice(("admin", "interviewer", "candidate"))
    async with member.rights:
        await world.send("PATCH", f"users/{member.id}", {"role": role, "name": world.fresh("name")})
        await renew(world, member)


async def deactivate(world: World, member: Member) -> None:
    """Deactivate an account for a while."""
    async with member.rights:
        await world.send("PATCH", f"users/{member.id}", {"active": False, "name": world.fresh("name")})
        await asyncio.sleep(world.random.random() / 50)
        await world.send("PATCH", f"users/{member.id}", {"active": True, "name": world.fresh("name")})
        await renew(world, member)


async def log_out(world: World, member: Member) -> None:
    """End all sessions of an account."""
    async with member.rights:
        await world.send("POST", f"users/{member.id}/logout-all")
        await renew(world, member)


async def renew(world: World, member: Member) -> None:
    """Open a new session of an account."""
    member.headers = await log_in(world.app.state.parley, member.account.user)


async def entitle(world: World, _: Member) -> None:
    """Give an interview a title that none ever had."""
    await world.send("PATCH", f"interviews/{world.random.choice(world.interviews)}", {"title": world.fresh("title")})


async def start(world: World, _: Member) -> None:
    """Start an interview."""
    await world.send("PATCH", f"interviews/{world.random.choice(world.interviews)}/status", {"status": "ongoing"})


async def add(world: World, member: Member) -> None:
    """Add a participant, who may be there already."""
    await world.send("POST", f"interviews/{world.random.choice(world.interviews)}/participants", {"user_id": member.id})


async def remove(world: World, member: Member) -> None:
    """Remove a participant, who may not be there."""
    await world.send("DELETE", f"interviews/{world.random.choice(world.interviews)}/participants/{member.id}")


async def post(world: World, member: Member) -> None:
    """Post a message."""
    body = {"content": world.fresh("message")}
    await world.send("POST", f"interviews/{world.random.choice(world.interviews)}/messages", body, by=member.headers)


WRITES: dict[Callable[[World, Member], Awaitable[None]], int] = {
    rename: 4,
    entitle: 4,
    post: 6,
    add: 3,
    remove: 3,
    change_role: 2,
    deactivate: 1,
    log_out: 1,
    start: 1,
    add_interview: 1,
}
"""Each kind of write -> how often it is made, compared with the others."""


async def write(world: World) -> None:
    """Change something that cached routes show."""
    change = world.random.choices(list(WRITES), list(WRITES.values()))[0]
    async with world.writers.writing():
        await change(world, world.random.choice(world.members))
    world.tally.writes[change.__name__] += 1


async def read(world: World, template: str) -> None:
    """Compare an answer with those of the worker without a cache before and after it."""
    address, done = world.address(template, world.random.choice(ADDRESSES[template])), world.writers.done
    headers, worker = world.any_headers(), world.random.choice(world.workers)
    first = await seen(world.oracle, address, headers)
    shown = await seen(worker, address, headers)
    last = await seen(world.oracle, address, headers)
    if first == last != shown and world.writers.begun > done:
        async with world.writers.stopped():
            shown = await seen(worker, address, headers)
            first = last = await seen(world.oracle, address, headers)
    if UNAVAILABLE in {first[0], shown[0], last[0]} or first != last:
        world.tally.undecided += 1
        return
    world.tally.compared[template] += 1
    if shown != first:
        world.tally.stale.setdefault(template, f"{address}: {shown} instead of {first}")


async def seen(client: httpx.AsyncClient, address: str, headers: dict[str, str]) -> tuple[int, Any]:
    """Return what an answer says, apart from what belongs to the request: each error has an id."""
    answer = await client.get(address, headers=headers)
    return answer.status_code, answer.content if answer.is_success else answer.json()["code"]


async def agree(world: World) -> None:
    """At rest, compare every worker's answers to every query of each route with the oracle's, for some viewer."""
    for template, queries in ADDRESSES.items():
        for query in queries:
            address, headers = world.address(template, query), world.any_headers()
            truth = await seen(world.oracle, address, headers)
            for worker in world.workers:
                shown = await seen(worker, address, headers)
                if UNAVAILABLE in {shown[0], truth[0]}:
                    world.tally.undecided += 1
                    continue
                world.tally.compared[template] += 1
                if shown != truth:
                    world.tally.stale.setdefault(template, f"{address}: {shown} instead of {truth} at rest")


async def race(world: World, operations: int) -> None:
    """Make so many writes and reads, one of five a write, many at once; compare all workers at rest now and then."""
    for left in range(operations, 0, -BURST):
        steps = iter(range(min(left, BURST)))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(_act(world, steps))
        if left <= BURST or world.random.random() < 0.1:
            await agree(world)


async def _act(world: World, steps: Iterator[int]) -> None:
    for _ in steps:
        if world.random.random() < 0.2:
            await write(world)
        else:
            await read(world, world.random.choice(list(ADDRESSES)))
