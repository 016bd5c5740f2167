"""Three workers, random writes and reads at the same time: no read misses a write that was acknowledged before it.

Writers don't wait for each other, and some changes are sent to two workers at once: each answer counts, whichever of
the two has changed something.

`COHERENCE_STEPS` sets how many there are; `nox -s coherence` runs 20,000.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx
import pytest
from counts import rounds

from parley_app import create_app
from parley_auth.testing import Account, an_account, auth_settings
from parley_core.caching.store import ReadCache
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.testing import create_interview

STEPS = int(os.environ.get("COHERENCE_STEPS", "160"))
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

    def any_worker(self) -> httpx.AsyncClient:
        """One of them."""
        return random.choice(self.workers)  # noqa: S311 - a test's


@pytest.fixture
async def world(core_settings: CoreSettings) -> AsyncIterator[World]:
    off = core_settings.model_copy(update={"cache_enabled": False})
    apps = [create_app([s, auth_settings()]) for s in (core_settings, core_settings, core_settings, off)]
    async with AsyncExitStack() as stack:
        *workers, oracle = [await stack.enter_async_context(running_client(app)) for app in apps]
        admin = await an_account(apps[0], "admin")
        members = [await an_account(apps[0], role) for role in ("interviewer", "candidate")]
        created = [await create_interview(workers[0], admin, *members, title="0") for _ in range(INTERVIEWS)]
        caches = [app.state.parley.require(ReadCache) for app in apps[:3]]
        yield World(workers, caches, oracle, admin, members, [Acknowledged(p["id"]) for p in created])


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
                assert truth.is_error or answer.content == truth.content, address


async def act(world: World, steps: Iterator[int]) -> None:
    """Takes steps until none is left, four of five of them reads."""
    for _ in steps:
        step = write if random.random() < 0.2 else read  # noqa: S311 - a test's
        await step(world, random.choice(world.interviews))  # noqa: S311 - a test's


async def test_no_stale_read(world: World) -> None:
    """Of hundreds of reads among writes none is older than what was acknowledged before it began; many are hits."""
    for _ in range(4):
        steps = iter(range(STEPS // 4))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(act(world, steps))
        await agree(world)
    assert sum(cache.hits for cache in world.caches) > STEPS // 10


@pytest.mark.attack
async def test_membership_and_status(world: World) -> None:
    """Adding, removing and starting through any worker shows in lists and details through every other at once."""
    member, one = world.members[1], world.interviews[0]
    base = f"/v1/interviews/{one.id}"
    for _ in range(rounds(1, full=10)):
        await agree(world)
        removed = await world.any_worker().delete(f"{base}/participants/{member.id}", headers=world.admin.headers)
        assert removed.status_code == 204
        await agree(world)
        body = {"user_id": member.id}
        added = await world.any_worker().post(f"{base}/participants", json=body, headers=world.admin.headers)
        assert added.status_code == 201
    await world.any_worker().patch(f"{base}/status", json={"status": "ongoing"}, headers=world.admin.headers)
    await agree(world)
