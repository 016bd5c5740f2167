"""Writes of every kind while workers and MongoDB are killed: the log contains each acknowledged one once, in order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import Cluster, running_cluster
from ledger import Ledger
from pymongo.errors import PyMongoError
from siege import drained, looking, problems_of, set_stage
from writing import Stage, writing

from parley_core import EventLog, LogEntry

BETWEEN_KILLS = 30
LAG_SECONDS = 7


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture
async def stage(cluster: Cluster) -> Stage:
    return await set_stage(cluster.core_settings())


@pytest.fixture
async def database(cluster: Cluster, stage: Stage) -> AsyncIterator[Any]:
    async with looking(cluster.core_settings()) as database:
        yield database


async def walk(log: EventLog, stopping: asyncio.Event) -> list[LogEntry]:
    """Ask for what comes after the last position, again and again; return it all once nothing more comes."""
    found: list[LogEntry] = []
    while True:
        is_last, position = stopping.is_set(), found[-1].position if found else 0
        try:
            await log.wait_beyond(position, seconds=0 if is_last else 1)
            page = await log.after(position, limit=100)
        except PyMongoError:
            await asyncio.sleep(0.1)
            continue
        found += page
        if is_last and not page:
            return found


async def sync(cluster: Cluster, stage: Stage, stopping: asyncio.Event) -> list[int]:
    """Do what `walk` does over HTTP, at any worker: a sync client's loop; return the positions."""
    found: list[int] = []
    while True:
        is_last, after = stopping.is_set(), found[-1] if found else 0
        try:
            async with httpx.AsyncClient(base_url=cluster.any_url(), timeout=10) as client:
                page = await client.get(f"/v1/events?limit=100&after={after}", headers=stage.admin.headers)
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        assert page.status_code in {200, 503}, page.text
        items = page.json()["items"] if page.is_success else []
        found += [item["position"] for item in items]
        if is_last and page.is_success and not items:
            return found
        await asyncio.sleep(0 if items else 0.1)


async def endure(cluster: Cluster, ledger: Ledger, kills: str) -> None:
    """Kill a worker (`w`) or MongoDB (`m`), one after the other, each after some more acknowledged writes."""
    for kind in kills:
        await ledger.grown_by(BETWEEN_KILLS)
        await (cluster.kill_worker() if kind == "w" else cluster.kill_mongod())
        cluster.revive()
    await ledger.grown_by(BETWEEN_KILLS)


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("kills", "limit"),
    [pytest.param("wm", 120, id="small"), pytest.param(("w" * 10 + "m") * 5, 1500, id="full")],
)
async def test_log(cluster: Cluster, stage: Stage, database: Any, seed: int, *, kills: str, limit: float) -> None:
    """What was acknowledged is in the log once, dense and in order, and a follower saw it like that.

    Nothing waits for the relay any more, a few seconds after the last write.
    """
    ledger, walking, log = Ledger(), asyncio.Event(), EventLog(database)
    keeping = asyncio.create_task(cluster.keep())
    try:
        async with asyncio.timeout(limit), asyncio.TaskGroup() as tasks:
            walker = tasks.create_task(walk(log, walking))
            client = tasks.create_task(sync(cluster, stage, walking))
            async with writing(cluster.urls, stage, ledger, seed=seed):
                await endure(cluster, ledger, kills)
            await asyncio.to_thread(cluster.wait_until_ready)
            lag = await drained(database)
            walking.set()
    finally:
        keeping.cancel()
    assert await problems_of(database, ledger) == []
    events = await log.after(0, limit=1_000_000)
    await log.close()
    assert walker.result() == events
    assert client.result() == [event.position for event in events]
    assert lag < LAG_SECONDS
