"""No cached answer is older than what was acknowledged before it was asked for, through whichever of several workers.

Names, roles, memberships, titles and sessions change meanwhile; what each cached route answers is compared with a
worker that has no cache. Workers that are killed between a write and its invalidation leave nothing stale for long.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import Cluster, running_cluster
from coherence import ADDRESSES, Member, World, add_interview, agree, cached_routes, race

from parley_app import create_app
from parley_app.testing import install_plugin
from parley_auth.testing import an_account, auth_settings
from parley_core.caching.store import ReadCache
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client

SHORT = 1000
"""Writes and reads."""
PER_KILL = 20_000
REPAIR_SECONDS = 20
"""A quiet machine takes 7 s at most; the cache alone would take 30 s."""
# Rules are asked after the write, and before any generation is advanced.
_DIES_BEFORE_THE_BUMP = """
import os, signal
from parley_core import Invalidation, hookimpl

def keys(event):
    os.kill(os.getpid(), signal.SIGKILL)

@hookimpl
def parley_cache_invalidations():
    names = ("interview.updated", "interview.participant_added", "interview.participant_removed", "user.updated")
    return [Invalidation(on=name, keys=keys) for name in names]
"""
Figures = Callable[[str], None]


@asynccontextmanager
async def world_of(settings: CoreSettings, workers: int, seed: int) -> AsyncIterator[World]:
    """Start so many workers and one without a cache, with accounts and interviews."""
    off = settings.model_copy(update={"cache_enabled": False})
    apps = [create_app([one, auth_settings()]) for one in (off, *[settings] * workers)]
    async with AsyncExitStack() as stack:
        oracle, *clients = [await stack.enter_async_context(running_client(app)) for app in apps]
        roles = ("admin", "interviewer", "interviewer", "candidate", "candidate")
        accounts = [await an_account(apps[0], role) for role in roles]
        members = [Member(account, account.headers) for account in accounts]
        boss = await an_account(apps[0], "admin")
        world = World(clients, oracle, apps[0], boss, members, random.Random(seed))  # noqa: S311 - a test's
        for member in members[1:]:
            await add_interview(world, member)
        yield world
        hits = [app.state.parley.require(ReadCache).hits for app in apps]
        assert hits[0] == 0
        assert all(hits[1:])


def test_each_cached_route_is_read(core_settings: CoreSettings) -> None:
    """A cached route that comes later must get addresses here."""
    assert cached_routes(create_app([core_settings, auth_settings()])).keys() == ADDRESSES.keys()


async def test_no_stale_read(core_settings: CoreSettings, *, budget: int, seed: int, figures: Figures) -> None:
    """Three workers answer what the one without a cache answers, among writes of all kinds and at rest."""
    async with world_of(core_settings, 3, seed) as world:
        await race(world, budget)
        report(world, budget, seed, figures)
        assert not world.tally.stale
        assert world.tally.compared.keys() == ADDRESSES.keys()
        assert world.tally.compared.total() > budget // 2


def report(world: World, budget: int, seed: int, figures: Figures) -> None:
    tally = world.tally
    figures(f"{budget} operations, seed {seed}: {tally.writes.total()} writes {dict(tally.writes)}")
    figures(f"{tally.compared.total()} reads compared, {tally.undecided} undecided, {len(tally.stale)} routes stale")


async def test_staleness_is_seen(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With validators that never change each cached route is found stale."""

    async def constant(*_: Any) -> Hashable:
        return 0

    async with world_of(core_settings, 1, seed=1) as world:
        for route in cached_routes(world.app).values():
            broken = replace(route._read, validator=constant, is_final=None)  # noqa: SLF001 - what is broken here
            monkeypatch.setattr(route, "_read", broken)
        for _ in range(10):
            await race(world, 100)
            if world.tally.stale.keys() == ADDRESSES.keys():
                return
    raise AssertionError(f"only these were found: {sorted(world.tally.stale)}")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path, workers=2) as cluster:
        (tmp_path / "plugins").mkdir()
        install_plugin(tmp_path / "plugins", "doom", _DIES_BEFORE_THE_BUMP)
        yield cluster


async def killed_by(cluster: Cluster, plugins: Path, world: World, write: tuple[str, str, object]) -> None:
    """Send a write to a worker that dies of it."""
    method, path, body = write
    doomed = cluster.started(PYTHONPATH=str(plugins))
    await asyncio.to_thread(doomed.wait_until_ready)
    with suppress(httpx.TransportError):
        async with httpx.AsyncClient(base_url=doomed.url, timeout=10) as client:
            await client.request(method, f"/v1/{path}", json=body, headers=world.boss.headers)
    assert await asyncio.to_thread(doomed.process.wait, 10) == -9


def last_writes(world: World) -> Iterator[tuple[str, str, object]]:
    """Yield writes that a worker dies of, one kind after the other."""
    while True:
        member, interview = world.random.choice(world.members[1:]), f"interviews/{world.interviews[0]}"
        yield "PATCH", interview, {"title": world.fresh("title")}
        yield "PATCH", f"users/{member.id}", {"name": world.fresh("name")}
        yield "DELETE", f"{interview}/participants/{world.members[1].id}", None
        yield "POST", f"{interview}/participants", {"user_id": world.members[1].id}


async def seconds_until_fresh(world: World) -> float:
    """Return how long it took until all workers said what the one without a cache says."""
    begun = time.monotonic()
    while True:
        world.tally.stale.clear()
        await agree(world)
        if not world.tally.stale:
            return time.monotonic() - begun
        assert time.monotonic() - begun < REPAIR_SECONDS * 3, world.tally.stale


async def test_killed_between_write_and_bump(
    cluster: Cluster, tmp_path: Path, *, budget: int, seed: int, figures: Figures
) -> None:
    """What real workers have kept when another one is killed is stale for the relay's lag, not for the cache's 30 s."""
    async with world_of(cluster.core_settings(), 0, seed) as world, AsyncExitStack() as stack:
        for worker in cluster.workers:
            client = httpx.AsyncClient(base_url=worker.url, timeout=10)
            world.workers.append(await stack.enter_async_context(client))
        lags = []
        for _, write in zip(range(max(1, budget // PER_KILL)), last_writes(world), strict=False):
            await agree(world)
            await killed_by(cluster, tmp_path / "plugins", world, write)
            lags.append(await seconds_until_fresh(world))
        figures(f"{len(lags)} workers killed between write and bump: fresh again after {max(lags):.1f} s at most")
        assert max(lags) < REPAIR_SECONDS
