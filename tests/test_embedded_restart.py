"""`parley serve` goes on when its embedded MongoDB is killed, or ends and tells its streams to come back."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from counts import rounds

from parley_app.testing import Serving, Start, messages
from parley_core import new_id
from parley_messaging.testing import address, listening

ADMIN = {"email": "admin@example.com", "password": "nine green bottles"}
WRITERS = 4
STREAMS = rounds(4, full=20)
KILLS = rounds(1, full=10)
# Three restarts a minute are the most that is tried.
SECONDS_BETWEEN_KILLS = rounds(0, full=25)
READY_SECONDS = rounds(30, full=5)
"""A quiet machine takes 5 s at most."""
END_SECONDS = rounds(60, full=5)
pytestmark = pytest.mark.attack


@pytest.fixture(params=["1", pytest.param("3", marks=pytest.mark.chaos)])
def serving(request: pytest.FixtureRequest, start: Start, tmp_path: Path) -> Serving:
    settings = {"PARLEY_ADMIN_EMAIL": ADMIN["email"], "PARLEY_ADMIN_PASSWORD": ADMIN["password"]}
    return start("--workers", request.param, "--data-dir", tmp_path / "data", **settings)


@dataclass
class Talk:
    """An interview's messages, written and followed through one server."""

    client: httpx.AsyncClient
    messages: str
    headers: dict[str, str]
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Content -> seq."""
    seen: list[list[int]] = field(default_factory=list)
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)
    is_over: bool = False
    last: int | None = None
    """The seq of the last message, once it is known."""

    async def write(self) -> None:
        """Post one message after the other, each once, until it is over."""
        while not self.is_over:
            await self._post()
            await asyncio.sleep(0.02)

    async def _post(self) -> None:
        content = new_id()
        answer = await self.client.post(self.messages, headers=self.headers, json={"content": content})
        assert answer.status_code in {201, 503}, answer.text
        if answer.status_code == 201:
            self.acknowledged[content] = answer.json()["seq"]
            async with self.progress:
                self.progress.notify_all()

    async def grown_by(self, count: int) -> None:
        """Wait until so many more messages are acknowledged."""
        wanted = len(self.acknowledged) + count
        async with self.progress:
            await self.progress.wait_for(lambda: len(self.acknowledged) >= wanted)

    async def finish(self, *writers: Awaitable[None]) -> None:
        """Let the writers come to their end and post the last message."""
        self.is_over = True
        await asyncio.gather(*writers)
        # The streams read it after they know that it is the last one.
        self.last = len(await self.stored()) + 1
        await self._post()

    async def follow(self) -> None:
        """Follow the stream, from the last message seen whenever it ends, until all are seen."""
        found: list[int] = []
        self.seen.append(found)
        while not self._has_all(found):
            headers = self.headers | ({"Last-Event-ID": str(found[-1])} if found else {})
            async with listening(self.client, self.messages, headers) as stream:
                while not self._has_all(found) and (event := await stream.next(30)):
                    found += [event.id] if "data" in event.fields else []

    def _has_all(self, found: list[int]) -> bool:
        return bool(found) and found[-1] == self.last

    async def stored(self) -> dict[str, int]:
        """Return every stored message."""
        found: dict[str, int] = {}
        while True:
            query = {"after_seq": len(found), "limit": 100}
            page = await self.client.get(self.messages, headers=self.headers, params=query)
            if not page.json()["items"]:
                return found
            found |= {message["content"]: message["seq"] for message in page.json()["items"]}


@asynccontextmanager
async def talking(serving: Serving) -> AsyncIterator[Talk]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=serving.url, timeout=30, limits=limits) as client:
        token = (await client.post("/v1/auth/login", json=ADMIN)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        body = {"title": "Backend", "interview_type": "technical", "scheduled_at": "2027-03-01T09:30:00Z"}
        taking_part: dict[str, Any] = {"participants": [{"user_email": ADMIN["email"]}]}
        interview = await client.post("/v1/interviews", headers=headers, json=body | taking_part)
        yield Talk(client, address(interview.json()["id"]), headers)


def kill_mongod(serving: Serving) -> None:
    for pid in serving.family("--dbpath"):
        os.kill(pid, signal.SIGKILL)


async def endure(talk: Talk, serving: Serving) -> list[float]:
    """Kill mongod again and again; return how long it took each time until messages were acknowledged again."""
    taken = []
    for _ in range(KILLS):
        await asyncio.sleep(SECONDS_BETWEEN_KILLS)
        kill_mongod(serving)
        began = time.monotonic()
        # More than were on their way when it was killed.
        await talk.grown_by(WRITERS * 2)
        taken.append(time.monotonic() - began)
    return taken


async def test_nothing_is_lost(serving: Serving) -> None:
    """Requests are answered 503 at worst, every acknowledged message is stored, and streams show each one once."""
    async with asyncio.timeout(120 + KILLS * 60), talking(serving) as talk:
        writers = [asyncio.create_task(talk.write()) for _ in range(WRITERS)]
        streams = [asyncio.create_task(talk.follow()) for _ in range(STREAMS)]
        taken = await endure(talk, serving)
        await talk.finish(*writers)
        await asyncio.gather(*streams)
        stored = await talk.stored()
    assert talk.acknowledged.items() <= stored.items()
    assert sorted(stored.values()) == list(range(1, len(stored) + 1))
    assert talk.seen == [sorted(stored.values())] * STREAMS
    assert serving.process.poll() is None
    assert "Traceback" not in serving.logged
    assert max(taken) < READY_SECONDS, taken


@pytest.mark.chaos
async def test_streams_get_a_retry_hint(serving: Serving) -> None:
    """After three restarts in a minute the server ends at once, with the reason, and its streams get a retry hint."""
    async with asyncio.timeout(180), AsyncExitStack() as stack:
        talk = await stack.enter_async_context(talking(serving))
        streams = [
            await stack.enter_async_context(listening(talk.client, talk.messages, talk.headers)) for _ in range(STREAMS)
        ]
        ending = asyncio.gather(*(stream.rest(120) for stream in streams))
        killed = time.monotonic()
        while not ending.done():
            if serving.family("--dbpath"):
                kill_mongod(serving)
                killed = time.monotonic()
            await asyncio.wait([ending], timeout=0.1)
        assert await asyncio.to_thread(serving.process.wait, 60) == 1
        assert time.monotonic() - killed < END_SECONDS
    for events in await ending:
        assert "retry" in events[-1].fields
    last = messages(serving.logged)[-1]
    assert last.startswith("parley: the embedded MongoDB ended 4 times: mongod was killed, as the system does")
    assert "Traceback" not in serving.logged
