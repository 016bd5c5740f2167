"""A worker that dies at the worst moment: others repair what it left, within seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from cluster import Cluster, running_cluster
from fastapi import FastAPI

from parley_app.testing import Serving, install_plugin
from parley_auth.testing import Account
from parley_core import EventLog
from parley_core.data.invalidation import Generations
from parley_core.kernel.settings import CoreSettings
from parley_interviews.testing import create_interview

REPAIR_SECONDS = 20
"""A quiet machine takes 7 s at most; the cache alone would take 30 s, and a transaction of a dead worker 60 s."""
# The rules of a plugin are asked after the write, and before any generation is advanced: it notes that this is so.
_DIES_BEFORE_THE_BUMP = """
import os, signal
from pathlib import Path
from parley_core import Invalidation, hookimpl
from pymongo import MongoClient

def keys(event):
    if event["changes"]["title"]["to"] == "Last words":
        database = MongoClient(os.environ["PARLEY_MONGODB_URI"])[os.environ["PARLEY_MONGODB_DATABASE"]]
        found = database["cache_generations"].find_one("interviews:all")
        Path(__file__).with_name("generation").write_text(str(found["n"]))
        os.kill(os.getpid(), signal.SIGKILL)
    return ()

@hookimpl
def parley_cache_invalidations():
    return [Invalidation(on="interview.updated", keys=keys)]
"""
_DIES_WITH_THE_FENCE = """
import os, signal
from parley_core import hookimpl
from parley_core.log.writer import LogWriter

add, reserve, last = LogWriter._add, LogWriter._reserve, []

async def noting_add(self, entries):
    last[:] = entries
    await add(self, entries)

async def dying_reserve(self, count, session):
    first = await reserve(self, count, session)
    if any(entry["changes"].get("title", {}).get("to") == "Last words" for entry in last):
        os.kill(os.getpid(), signal.SIGKILL)
    return first

LogWriter._add, LogWriter._reserve = noting_add, dying_reserve

@hookimpl
def parley_events():
    return []
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path, workers=1) as cluster:
        yield cluster


@pytest.fixture
def core_settings(cluster: Cluster) -> CoreSettings:
    """The application in this process, a worker too, uses the same database."""
    return cluster.core_settings()


@pytest.fixture
def doomed(cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest) -> Serving:
    """A worker with a plugin that kills it."""
    (tmp_path / "plugins").mkdir()
    install_plugin(tmp_path / "plugins", "doom", request.param)
    worker = cluster.started(PYTHONPATH=str(tmp_path / "plugins"))
    worker.wait_until_ready()
    return worker


async def send_to_its_death(worker: Serving, path: str, body: dict[str, str], admin: Account) -> None:
    """Change something through a worker that dies of it."""
    with suppress(httpx.TransportError):
        async with httpx.AsyncClient(base_url=worker.url, timeout=10) as client:
            await client.patch(path, json=body, headers=admin.headers)
    assert await asyncio.to_thread(worker.process.wait, 10) == -9


async def seconds_until(condition: Callable[[], Awaitable[bool]]) -> float:
    """Return how long it took until the condition was true."""
    begun = time.monotonic()
    async with asyncio.timeout(REPAIR_SECONDS * 3):
        while not await condition():  # noqa: ASYNC110 - another process works on it
            await asyncio.sleep(0.02)
    return time.monotonic() - begun


@pytest.mark.parametrize("doomed", [pytest.param(_DIES_BEFORE_THE_BUMP, id="before_the_bump")], indirect=True)
async def test_list_is_repaired(
    cluster: Cluster, doomed: Serving, app: FastAPI, client: httpx.AsyncClient, admin: Account, *, tmp_path: Path
) -> None:
    """A worker killed between write and bump leaves lists stale for the relay's lag, not for the cache's 30 s."""
    interview = await create_interview(client, admin, title="First")
    generation = await app.state.parley.require(Generations).current("interviews:all")
    (other,) = cluster.workers

    async def shown() -> str:
        async with httpx.AsyncClient(base_url=other.url) as reader:
            answer = await reader.get("/v1/interviews", headers=admin.headers)
        return str(answer.json()["items"][0]["title"])

    assert await shown() == "First"
    await send_to_its_death(doomed, f"/v1/interviews/{interview['id']}", {"title": "Last words"}, admin)
    assert int((tmp_path / "plugins" / "generation").read_text()) == generation

    async def is_repaired() -> bool:
        return await shown() == "Last words"

    assert await seconds_until(is_repaired) < REPAIR_SECONDS


@pytest.mark.parametrize("doomed", [pytest.param(_DIES_BEFORE_THE_BUMP, id="before_the_bump")], indirect=True)
async def test_repeated_change(cluster: Cluster, doomed: Serving, client: httpx.AsyncClient, admin: Account) -> None:
    """Whoever repeats a change that its worker was killed over is answered at once, and lists it right after that."""
    path = f"/v1/interviews/{(await create_interview(client, admin, title='First'))['id']}"
    async with httpx.AsyncClient(base_url=cluster.workers[0].url) as other:
        assert "First" in (await other.get("/v1/interviews", headers=admin.headers)).text
        await send_to_its_death(doomed, path, {"title": "Last words"}, admin)
        repeated = await other.patch(path, json={"title": "Last words"}, headers=admin.headers)
        listed = await other.get("/v1/interviews", headers=admin.headers)
    assert (repeated.status_code, repeated.json()["rev"]) == (200, 2)
    assert listed.json()["items"][0]["title"] == "Last words"


@pytest.mark.chaos
@pytest.mark.parametrize("doomed", [pytest.param(_DIES_WITH_THE_FENCE, id="with_the_fence")], indirect=True)
async def test_log_goes_on(doomed: Serving, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
    """A worker killed inside the relay's transaction keeps others from the log no longer than such a transaction lives.

    Its last event and those that come meanwhile are then in the log, without a gap.
    """
    interview = await create_interview(client, admin)
    path = f"/v1/interviews/{interview['id']}"
    await send_to_its_death(doomed, path, {"title": "Last words"}, admin)
    begun = time.monotonic()
    answer = await client.patch(path, json={"title": "New words"}, headers=admin.headers)
    assert (answer.status_code, time.monotonic() - begun < 3) == (200, True)
    log = app.state.parley.require(EventLog)

    async def is_complete() -> bool:
        return [e.rev for e in await log.after(0, limit=100) if e.subject_id == interview["id"]] == [1, 2, 3]

    assert await seconds_until(is_complete) < REPAIR_SECONDS
    assert [e.position for e in await log.after(0, limit=100)] == list(range(1, await log.head() + 1))
