"""Writes of every kind while workers and MongoDB are killed: the log contains each acknowledged one once, in order."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import TOKEN_MINUTES, Cluster, running_cluster
from pymongo.errors import PyMongoError

from parley_app import create_app
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings
from parley_core import EventLog, LogEntry, new_id
from parley_core.data.database import database_of, open_client
from parley_core.testing import running_client
from parley_interviews.testing import an_interview, create_interview

WRITERS = 8
BETWEEN_KILLS = 30
LAG_SECONDS = 7
SOURCES = ("users", "interviews", "outbox")
SUBJECTS = {"user": ("users", "rev"), "interview": ("interviews", "rev"), "message_log": ("message_logs", "last_seq")}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as cluster:
        yield cluster


@dataclass(frozen=True)
class Stage:
    """Who writes, and the interview in which all of them write."""

    admin: Account
    member: Account
    other: Account
    interview_id: str


@pytest.fixture
async def stage(cluster: Cluster) -> Stage:
    """Create it by an application that is gone when the kills begin, so that its relay repairs nothing."""
    app = create_app([cluster.core_settings(), auth_settings(access_token_minutes=TOKEN_MINUTES)])
    async with running_client(app) as client:
        admin, member, other = [await an_account(app, role) for role in ("admin", "candidate", "interviewer")]
        interview = await create_interview(client, admin, member)
    return Stage(admin, member, other, interview["id"])


@dataclass
class Ledger:
    """What was answered to each write, by the id of its request."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Request id -> type of the event."""
    refused: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def acknowledge(self, request_id: str, event_type: str) -> None:
        """Remember a write that the API has acknowledged."""
        self.acknowledged[request_id] = event_type
        async with self.progress:
            self.progress.notify_all()

    async def grown_by(self, count: int) -> None:
        """Wait until so many more writes are acknowledged."""
        wanted = len(self.acknowledged) + count
        async with self.progress:
            await self.progress.wait_for(lambda: len(self.acknowledged) >= wanted)


@dataclass(frozen=True)
class Write:
    """A request, and the type of the event that it leaves when it succeeds."""

    event_type: str
    method: str
    path: str
    body: Any = None
    caller: Account | None = None


def shared_writes(stage: Stage) -> Iterator[Write]:
    """Write each kind of which one document or log can have many writers; and a registration."""
    interview, name = f"/v1/interviews/{stage.interview_id}", new_id()
    account = {"email": f"{name}@example.com", "password": PASSWORD}
    yield Write("user.registered", "POST", "/v1/auth/register", account)
    yield Write("user.updated", "PATCH", f"/v1/users/{stage.member.id}", {"name": name}, stage.admin)
    yield Write("interview.updated", "PATCH", interview, {"location": name}, stage.admin)
    yield Write("message.posted", "POST", f"{interview}/messages", {"content": name}, stage.member)


def own_writes(stage: Stage, interview_id: str) -> Iterator[Write]:
    """Write to an interview in which nobody else writes."""
    interview, name = f"/v1/interviews/{interview_id}", new_id()
    added, people = {"user_id": stage.other.id}, f"{interview}/participants"
    yield Write("interview.updated", "PATCH", interview, {"title": name}, stage.admin)
    yield Write("interview.participant_added", "POST", people, added, stage.admin)
    yield Write("message.posted", "POST", f"{interview}/messages", {"content": name}, stage.member)
    yield Write("interview.participant_removed", "DELETE", f"{people}/{stage.other.id}", caller=stage.admin)
    yield Write("interview.started", "PATCH", f"{interview}/status", {"status": "ongoing"}, stage.admin)


@dataclass(frozen=True)
class Writer:
    """Makes one write after the other, each once: a lost one is not tried again."""

    cluster: Cluster
    stage: Stage
    ledger: Ledger

    async def write(self, stopping: asyncio.Event) -> None:
        """Write until that is set."""
        while not stopping.is_set():
            async with httpx.AsyncClient(base_url=self.cluster.any_url(), timeout=10) as client:
                if not await self._round(client):
                    await asyncio.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - no secret depends on it

    async def _round(self, client: httpx.AsyncClient) -> bool:
        """Write each kind through one worker; return whether that took the first."""
        body = an_interview(participants=[{"user_id": self.stage.member.id}])
        create = Write("interview.created", "POST", "/v1/interviews", body, self.stage.admin)
        created = await self._send(client, create)
        if created is None:
            return False
        for write in (*shared_writes(self.stage), *own_writes(self.stage, created.json()["id"])):
            await self._send(client, write)
        return True

    async def _send(self, client: httpx.AsyncClient, write: Write) -> httpx.Response | None:
        """Return the answer to a write; None when nobody knows whether it happened."""
        request_id = new_id()
        headers = {"X-Request-ID": request_id, **(write.caller.headers if write.caller else {})}
        try:
            answer = await client.request(write.method, write.path, json=write.body, headers=headers)
        except httpx.TransportError:
            self.ledger.unknown.add(request_id)
            return None
        if answer.status_code == 503:
            self.ledger.unknown.add(request_id)
            return None
        if answer.is_success:
            await self.ledger.acknowledge(request_id, write.event_type)
        else:
            # Only that the write before it was lost is a reason to refuse one.
            assert answer.json()["code"] == "participant_not_found", answer.text
            self.ledger.refused.add(request_id)
        return answer


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


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Any]:
    """A handle of the database that doesn't relay."""
    name = cluster.core_settings().mongodb_database
    async with open_client(cluster.mongodb.uri, database=name, timeout_seconds=5, pool_size=4) as client:
        yield database_of(client, name, event_types={}, recorded=(), invalidations={})


async def waiting(database: Any) -> int:
    """Return in how many places events still wait for the relay."""
    found = [await database[name].count_documents({"history.0": {"$exists": True}}) for name in SOURCES]
    return sum(found)


async def drained(cluster: Cluster, database: Any) -> float:
    """Wait for the workers and then for the relay; return how long the relay took."""
    await asyncio.to_thread(cluster.wait_until_ready)
    begun = asyncio.get_running_loop().time()
    while await waiting(database):  # noqa: ASYNC110 - other processes work on it
        await asyncio.sleep(0.05)
    return asyncio.get_running_loop().time() - begun


def check_log(events: Sequence[LogEntry], ledger: Ledger) -> None:
    """Every acknowledged write is in the log once, no refused one; positions and revisions are dense and in order."""
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert len({event.id for event in events}) == len(events)
    revs: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in events:
        revs[event.kind, event.subject_id].append(event.rev)
    assert {subject: found for subject, found in revs.items() if found != list(range(1, len(found) + 1))} == {}
    types = {event.request_id: event.type for event in events}
    counts = Counter(event.request_id for event in events)
    assert {r: kind for r, kind in ledger.acknowledged.items() if types.get(r) != kind} == {}
    assert {r: counts[r] for r in {*ledger.acknowledged, *ledger.unknown} if counts[r] > 1} == {}
    assert not ledger.refused & set(counts)


async def check_documents(events: Sequence[LogEntry], database: Any) -> None:
    """The log ends for each thing with the revision that the thing has now."""
    last = {(event.kind, event.subject_id): event.rev for event in events}
    for kind, (name, rev) in SUBJECTS.items():
        stored = {(kind, d["_id"]): d[rev] async for d in database[name].find({}, {rev: 1})}
        assert {subject: rev for subject, rev in last.items() if subject[0] == kind} == stored


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("kills", "limit"),
    [pytest.param("wm", 120, id="small"), pytest.param(("w" * 10 + "m") * 5, 1500, id="full")],
)
async def test_log(cluster: Cluster, stage: Stage, database: Any, *, kills: str, limit: float) -> None:
    """What was acknowledged is in the log once, dense and in order, and a follower saw it like that.

    Nothing waits for the relay any more, a few seconds after the last write.
    """
    ledger, writing, walking = Ledger(), asyncio.Event(), asyncio.Event()
    log = EventLog(database)
    keeping = asyncio.create_task(cluster.keep())
    try:
        async with asyncio.timeout(limit), asyncio.TaskGroup() as tasks:
            walker = tasks.create_task(walk(log, walking))
            client = tasks.create_task(sync(cluster, stage, walking))
            writers = [tasks.create_task(Writer(cluster, stage, ledger).write(writing)) for _ in range(WRITERS)]
            await endure(cluster, ledger, kills)
            writing.set()
            await asyncio.wait(writers)
            lag = await drained(cluster, database)
            walking.set()
    finally:
        keeping.cancel()
    events = await log.after(0, limit=1_000_000)
    await log.close()
    check_log(events, ledger)
    await check_documents(events, database)
    assert walker.result() == events
    assert client.result() == [event.position for event in events]
    assert lag < LAG_SECONDS
