"""Races between workers of one database: reads against writes, and messages against the close of an interview."""

import asyncio
import operator
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from parley_auth.testing import Account
from parley_core.caching.store import ReadCache
from parley_interviews.testing import create_interview

AT_ONCE, INTERVIEWS = 20, 4
PARTS = ("", "/participants", "/participants?former=true")


@dataclass
class Acknowledged:
    """What readers of one interview must see at least."""

    id: str
    rev: int = 1
    messages: int = 0


@dataclass
class World:
    """Workers, one without a cache, and who uses them."""

    workers: list[httpx.AsyncClient]
    caches: list[ReadCache]
    oracle: httpx.AsyncClient
    admin: Account
    members: list[Account]
    interviews: list[Acknowledged]
    names: dict[str, int] = field(default_factory=dict)
    naming: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_same: Callable[[bytes, bytes], bool] = operator.eq

    def any_worker(self) -> httpx.AsyncClient:
        """One of them."""
        return random.choice(self.workers)  # noqa: S311 - a test's


async def rename(world: World) -> None:
    """Gives somebody the next number as a name, through two workers at once; the first answer is noted."""
    member = random.choice(world.members)  # noqa: S311 - a test's
    address = f"/v1/users/{member.id}"

    async def send(name: int) -> None:
        answer = await world.any_worker().patch(address, json={"name": f"{name}"}, headers=world.admin.headers)
        assert answer.status_code == 200, answer.text
        world.names[member.id] = name

    async with world.naming:
        name = world.names.get(member.id, 0) + 1
        await asyncio.gather(send(name), send(name))


async def entitle(world: World, one: Acknowledged) -> None:
    """Gives an interview one of few titles, which it often has already; the revision of the answer is noted."""
    title = f"{random.randrange(3)}"  # noqa: S311 - a test's
    address = f"/v1/interviews/{one.id}"
    answer = await world.any_worker().patch(address, json={"title": title}, headers=world.admin.headers)
    assert answer.status_code == 200, answer.text
    one.rev = max(one.rev, answer.json()["rev"])


async def post(world: World, one: Acknowledged) -> None:
    """Posts a message; that it was is noted."""
    sender, address = random.choice(world.members), f"/v1/interviews/{one.id}/messages"  # noqa: S311 - a test's
    answer = await world.any_worker().post(address, json={"content": "x"}, headers=sender.headers)
    assert answer.status_code == 201, answer.text
    one.messages += 1


async def write(world: World, one: Acknowledged) -> None:
    """Changes an interview or a person, or posts a message, while others do so too."""
    kind = random.random()  # noqa: S311 - a test's
    if kind < 0.25:
        await rename(world)
    elif kind < 0.65:
        await entitle(world, one)
    else:
        await post(world, one)


async def read(world: World, one: Acknowledged) -> None:
    """Reads one of the cached routes and compares it with what had been acknowledged before."""
    viewer = random.choice([*world.members, world.admin])  # noqa: S311 - a test's
    rev, messages, base = one.rev, one.messages, f"/v1/interviews/{one.id}"
    kind = random.choice(("detail", "list", "messages", "participants"))  # noqa: S311 - a test's
    if kind == "participants":
        least = dict(world.names)
        page = await world.any_worker().get(f"{base}/participants", headers=viewer.headers)
        names = {item["user_id"]: item["name"] for item in page.json()["items"]}
        assert all(int(names[user_id]) >= name for user_id, name in least.items()), "stale participants"
        return
    if kind == "messages":
        page = await world.any_worker().get(f"{base}/messages", headers=world.members[0].headers)
        assert page.json()["total"] >= messages, "stale messages"
        return
    if kind == "detail":
        shown = (await world.any_worker().get(base, headers=viewer.headers)).json()
    else:
        items = (await world.any_worker().get("/v1/interviews", headers=viewer.headers)).json()["items"]
        shown = next(item for item in items if item["id"] == one.id)
    assert shown["rev"] >= rev, f"stale {kind}"


async def agree(world: World) -> None:
    """At rest, every worker answers every viewer what the one without a cache answers."""
    details = [f"/v1/interviews/{one.id}{rest}" for one in world.interviews for rest in PARTS]
    for viewer in (*world.members, world.admin):
        for address in ("/v1/interviews", "/v1/interviews?sort=title&limit=2", *details):
            truth = await world.oracle.get(address, headers=viewer.headers)
            for worker in world.workers:
                answer = await worker.get(address, headers=viewer.headers)
                assert answer.status_code == truth.status_code, address
                assert truth.is_error or world.is_same(answer.content, truth.content), address


async def act(world: World, steps: Iterator[int]) -> None:
    """Takes steps until none is left, four of five of them reads."""
    for _ in steps:
        step = write if random.random() < 0.2 else read  # noqa: S311 - a test's
        await step(world, random.choice(world.interviews))  # noqa: S311 - a test's


async def race(world: World, steps: int) -> None:
    """Take so many steps, and compare the workers at rest four times meanwhile."""
    for _ in range(4):
        left = iter(range(steps // 4))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(act(world, left))
        await agree(world)


async def create_interviews(client: httpx.AsyncClient, admin: Account, *members: Account) -> list[Acknowledged]:
    """Create the interviews that are raced for, each with the title of which the first number is made."""
    created = [await create_interview(client, admin, *members, title="0") for _ in range(INTERVIEWS)]
    return [Acknowledged(interview["id"]) for interview in created]


@asynccontextmanager
async def recorded_order(app: FastAPI) -> AsyncIterator[list[dict[str, Any]]]:
    """Every write to interviews and messages during the block, in the order in which the database committed them."""
    database = app.state.parley.database
    changes: list[dict[str, Any]] = []
    async with await database.watch(full_document="updateLookup") as stream:
        yield changes
        await database["end"].insert_one({})
        while (change := await stream.next())["ns"]["coll"] != "end":
            changes.append(change)


def after_the(changes: list[dict[str, Any]], closing: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages that were committed after the update that set these fields of an interview."""
    at = next(
        index
        for index, change in enumerate(changes)
        if change["ns"]["coll"] == "interviews"
        and closing.items() <= change.get("updateDescription", {}).get("updatedFields", {}).items()
    )
    return [change for change in changes[at:] if change["ns"]["coll"] == "messages"]


async def post_to(client: httpx.AsyncClient, address: str, sender: Account) -> httpx.Response:
    return await client.post(f"{address}/messages", json={"content": "Hello"}, headers=sender.headers)


async def change(client: httpx.AsyncClient, address: str, status: str, admin: Account) -> int:
    answer = await client.patch(f"{address}/status", json={"status": status}, headers=admin.headers)
    assert answer.status_code == 200 or answer.json()["code"] == "invalid_transition"
    return answer.status_code


async def race_to_close(
    app: FastAPI, workers: Sequence[httpx.AsyncClient], admin: Account, candidate: Account
) -> set[tuple[str, int]]:
    """Start an interview at one worker, cancel it at another, and post through both; complete it if it was started.

    Nothing may be committed after the close, be it the cancel or the completion.

    Returns: how it was closed, with the statuses of posts that raced with that.
    """
    one, other = workers
    interview = await create_interview(one, admin, candidate)
    address = f"/v1/interviews/{interview['id']}"

    async def posts() -> set[int]:
        answers = await asyncio.gather(*(post_to(worker, address, candidate) for worker in workers for _ in range(2)))
        return {answer.status_code for answer in answers}

    async with recorded_order(app) as changes:
        starting, cancelling = change(one, address, "ongoing", admin), change(other, address, "cancelled", admin)
        # A post takes longer than a change: in half of the rounds it is sent first, so that each wins at times.
        if random.random() < 0.5:  # noqa: S311 - a test's
            posted, started, cancelled = await asyncio.gather(posts(), starting, cancelling)
        else:
            started, cancelled, posted = await asyncio.gather(starting, cancelling, posts())
        closing = "cancelled"
        if started == 200:
            closing = "completed"
            completed, posted = await asyncio.gather(change(one, address, closing, admin), posts())
            assert completed == 200
    assert sorted((started, cancelled)) == [200, 400]
    assert after_the(changes, {"status": closing}) == []
    return {(closing, status) for status in posted}
