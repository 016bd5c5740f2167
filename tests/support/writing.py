"""Writes of every kind that leave an event, through any worker, each once: a lost one is not tried again."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from ledger import Ledger

from parley_auth.testing import PASSWORD, Account
from parley_core import new_id
from parley_interviews.testing import an_interview

WRITERS = 8


@dataclass(frozen=True)
class Stage:
    """Who writes, and the interview in which all of them write."""

    admin: Account
    member: Account
    other: Account
    interview_id: str


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
    """Makes one write after the other.

    Args:
        workers: the addresses of those who take them.
        stage: what is there already.
        ledger: where the answers are noted.
        chooser: chooses a worker for each round.
    """

    workers: Sequence[str]
    stage: Stage
    ledger: Ledger
    chooser: random.Random

    async def write(self, stopping: asyncio.Event) -> None:
        """Write until that is set."""
        async with httpx.AsyncClient(timeout=10, verify=False) as client:  # noqa: S501 - it never meets TLS
            while not stopping.is_set():
                if not await self._round(client, self.chooser.choice(self.workers)):
                    await asyncio.sleep(self.chooser.uniform(0.05, 0.3))

    async def _round(self, client: httpx.AsyncClient, worker: str) -> bool:
        """Write each kind through one worker; return whether that took the first."""
        body = an_interview(participants=[{"user_id": self.stage.member.id}])
        create = Write("interview.created", "POST", "/v1/interviews", body, self.stage.admin)
        created = await self._send(client, worker, create)
        if created is None:
            return False
        for write in (*shared_writes(self.stage), *own_writes(self.stage, created.json()["id"])):
            await self._send(client, worker, write)
        return True

    async def _send(self, client: httpx.AsyncClient, worker: str, write: Write) -> httpx.Response | None:
        """Return the answer to a write; None when it was not acknowledged."""
        request_id, began = new_id(), time.monotonic()
        headers = {"X-Request-ID": request_id, **(write.caller.headers if write.caller else {})}
        try:
            answer = await client.request(write.method, f"{worker}{write.path}", json=write.body, headers=headers)
        except httpx.TransportError:
            self.ledger.unknown.add(request_id)
            return None
        finally:
            self.ledger.slowest = max(self.ledger.slowest, time.monotonic() - began)
        return await self._noted(request_id, worker, write, answer)

    async def _noted(self, request_id: str, worker: str, write: Write, answer: httpx.Response) -> httpx.Response | None:
        if answer.is_success:
            await self.ledger.acknowledge(request_id, write.event_type, worker)
            return answer
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            self.ledger.unknown.add(request_id)
            return None
        self.ledger.refused.add(request_id)
        # Only that the write before it was lost is a reason to refuse one.
        if answer.json().get("code") != "participant_not_found":
            self.ledger.surprising.append(f"{write.method} {write.path}: {answer.text}")
        return None


@asynccontextmanager
async def writing(workers: Sequence[str], stage: Stage, ledger: Ledger, *, seed: int) -> AsyncIterator[None]:
    """Have `WRITERS` write during the block."""
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for number in range(WRITERS):
            chooser = random.Random(seed * WRITERS + number)  # noqa: S311 - no secret depends on it
            tasks.create_task(Writer(workers, stage, ledger, chooser).write(stopping))
        try:
            yield
        finally:
            stopping.set()


async def recovery_of(workers: Sequence[str], ledger: Ledger, blow: Awaitable[None], between: int) -> float:
    """Strike once so many writes more are acknowledged; return how long each worker then takes to acknowledge one."""
    await ledger.grown_by(between)
    await blow
    begun = time.monotonic()
    await ledger.grown_everywhere(workers)
    return time.monotonic() - begun
