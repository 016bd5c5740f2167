"""How long a change takes from its acknowledgement into the log, at a steady rate of changes."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from benchmarks.worker import Connection, Worker, connected
from parley_auth.testing import Account
from parley_core import EventLog

RATE, SECONDS = 100, 10.0
_CONNECTIONS = 8
_POLL_SECONDS = 0.005


@dataclass
class Changes:
    """When each change was acknowledged, and when its entry was seen, by the id of its request."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)

    def lags(self) -> list[float]:
        """Return the seconds between the two; less than nothing is nothing."""
        return sorted(max(0.0, self.seen[change] - at) for change, at in self.acknowledged.items())


async def lags_of(log: EventLog, workers: Sequence[Worker], admin: Account, paths: Sequence[str]) -> list[float]:
    """Change interviews through the workers in turn at a steady rate; return the lags, the shortest first."""
    changes, head = Changes(), await log.head()
    watching = asyncio.create_task(_watch(log, head, changes, round(RATE * SECONDS)))
    async with AsyncExitStack() as stack:
        idle: asyncio.Queue[Connection] = asyncio.Queue()
        for number in range(_CONNECTIONS * len(workers)):
            worker = workers[number % len(workers)]
            idle.put_nowait(await stack.enter_async_context(connected(worker, admin)))
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(round(RATE * SECONDS)):
                await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
                tasks.create_task(_change(idle, paths[number % len(paths)], f"lag-{head}-{number}", changes))
    await watching
    return changes.lags()


async def _change(idle: "asyncio.Queue[Connection]", path: str, request_id: str, changes: Changes) -> None:
    connection = await idle.get()
    body = json.dumps({"location": request_id}).encode()
    status, answer = await connection.request("PATCH", path, body, request_id=request_id)
    assert status == 200, answer  # noqa: PLR2004
    changes.acknowledged[request_id] = time.perf_counter()
    idle.put_nowait(connection)


async def _watch(log: EventLog, position: int, changes: Changes, count: int) -> None:
    while len(changes.seen) < count:
        for entry in await log.after(position, limit=1000):
            changes.seen[entry.request_id] = time.perf_counter()
            position = entry.position
        await asyncio.sleep(_POLL_SECONDS)
