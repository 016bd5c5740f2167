"""Writers and readers of one log while workers and MongoDB are killed: nothing is lost, repeated or out of order."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import Cluster, running_cluster

from parley_auth.testing import Account
from parley_core.kernel.settings import CoreSettings
from parley_interviews.testing import create_interview
from parley_messaging.testing import Listener, address, listening

WRITERS, READERS = 40, 3
_LOST = (httpx.TransportError, TimeoutError)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture
def core_settings(cluster: Cluster) -> CoreSettings:
    """The application through which the tests create accounts uses the same database."""
    return cluster.core_settings()


class Conversation:
    """One interview's log, as those who write and read it through the workers meet it."""

    def __init__(self, cluster: Cluster, interview_id: str, member: Account, total: int) -> None:
        self._cluster = cluster
        self._messages = address(interview_id)
        self._headers = member.headers
        self.total = total
        self.acknowledged: dict[str, tuple[str, int]] = {}
        self._progress = asyncio.Condition()

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self._cluster.any_url(), timeout=8, headers=self._headers) as client:
            yield client

    async def _insisting(self, attempt: Callable[[httpx.AsyncClient], Awaitable[bool]]) -> None:
        """Make attempts through any worker until one succeeds; the test's time limit bounds them."""
        while True:
            with suppress(*_LOST):
                async with self._client() as client:
                    if await attempt(client):
                        return
            await asyncio.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - no secret depends on it

    async def write(self, writer: int) -> None:
        """Posts a share of the messages, each until it is acknowledged."""
        waiting = [f"{writer}-{number}" for number in range(self.total // WRITERS)]

        async def attempt(client: httpx.AsyncClient) -> bool:
            while waiting:
                body = {"content": waiting[0], "client_message_id": waiting[0]}
                answer = await client.post(self._messages, json=body)
                if answer.status_code not in {200, 201}:
                    assert answer.status_code == 503, answer.text
                    return False
                stored = answer.json()
                assert stored["content"] == waiting[0]
                self.acknowledged[waiting.pop(0)] = (stored["id"], stored["seq"])
                async with self._progress:
                    self._progress.notify_all()
            return True

        await self._insisting(attempt)

    async def endure(self, kills: str) -> None:
        """Kills a worker (`w`) or MongoDB (`m`), one after the other, spread over the time of the writing."""
        for number, kind in enumerate(kills, 1):
            async with self._progress:
                await self._progress.wait_for(partial(self._has_reached, number / (len(kills) + 1)))
            await (self._cluster.kill_worker() if kind == "w" else self._cluster.kill_mongod())
            self._cluster.revive()

    def _has_reached(self, share: float) -> bool:
        return len(self.acknowledged) > self.total * share

    async def page(self) -> list[dict[str, Any]]:
        """Reads pages, each behind the last message seen, until all are there."""
        found: list[dict[str, Any]] = []

        async def attempt(client: httpx.AsyncClient) -> bool:
            while len(found) < self.total:
                answer = await client.get(self._messages, params={"after_seq": len(found), "limit": 100})
                if answer.status_code != 200:
                    assert answer.status_code == 503, answer.text
                    return False
                found.extend(answer.json()["items"])
                await asyncio.sleep(0.05)
            return True

        await self._insisting(attempt)
        return found

    async def follow(self) -> list[dict[str, Any]]:
        """Follows the stream, and comes back behind the last message seen whenever it breaks, until all are there."""
        found: list[dict[str, Any]] = []

        async def attempt(client: httpx.AsyncClient) -> bool:
            headers = {"Last-Event-ID": str(found[-1]["seq"])} if found else {}
            async with listening(client, self._messages, headers) as stream:
                if stream.response.status_code != 200:
                    assert stream.response.status_code == 503, stream.response.text
                    return False
                await self._listen(stream, found)
            return len(found) >= self.total

        await self._insisting(attempt)
        return found

    async def _listen(self, stream: Listener, found: list[dict[str, Any]]) -> None:
        while len(found) < self.total and (event := await stream.next(8)):
            if "data" in event.fields:
                found.append(event.data)


@pytest.mark.parametrize(
    ("total", "kills", "limit"),
    [
        pytest.param(400, "wm", 90, id="small"),
        pytest.param(10_000, "wwm" * 8, 900, id="full", marks=pytest.mark.chaos),
    ],
)
async def test_nothing_is_lost(
    cluster: Cluster,
    client: httpx.AsyncClient,
    admin: Account,
    candidate: Account,
    *,
    total: int,
    kills: str,
    limit: float,
) -> None:
    """Each acknowledged message is stored once, `seq` is 1..N, and readers of both kinds see each once and in order."""
    interview = await create_interview(client, admin, candidate)
    conversation = Conversation(cluster, interview["id"], candidate, total)
    keeping = asyncio.create_task(cluster.keep())
    try:
        async with asyncio.timeout(limit):
            pages, streams, *_ = await asyncio.gather(
                asyncio.gather(*(conversation.page() for _ in range(READERS))),
                asyncio.gather(*(conversation.follow() for _ in range(READERS))),
                asyncio.gather(*(conversation.write(number) for number in range(WRITERS))),
                conversation.endure(kills),
            )
    finally:
        keeping.cancel()
    for found in (*pages, *streams):
        assert [message["seq"] for message in found] == list(range(1, total + 1))
        assert {message["content"]: (message["id"], message["seq"]) for message in found} == conversation.acknowledged
    assert len(conversation.acknowledged) == total
