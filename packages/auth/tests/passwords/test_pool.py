"""The order in which hashes are computed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from parley_auth.passwords.pool import _THREADS, HashingPool, Turn
from parley_core.data.deadline import time_limit
from parley_core.errors import Unavailable
from parley_core.testing.metrics import Metrics


class Busy:
    """A pool whose threads all wait for `release`, so that what comes then must queue."""

    def __init__(self) -> None:
        self.pool = HashingPool()
        self.release = threading.Event()
        self.order: list[str] = []
        self.running = [self.start(Turn.REGISTRATION, self.release.wait) for _ in range(_THREADS)]

    def start(self, turn: Turn, work: Callable[[], object]) -> asyncio.Task[object]:
        return asyncio.create_task(self.pool.run(work, turn))

    def queue(self, turn: Turn, name: str) -> asyncio.Task[object]:
        return self.start(turn, lambda: self.order.append(name))

    async def finish(self, *tasks: asyncio.Task[object]) -> list[str]:
        """Let everything run, and return the order in which it ran."""
        await asyncio.sleep(0)
        self.release.set()
        await asyncio.gather(*self.running, *tasks)
        return self.order


@pytest.fixture
async def busy() -> AsyncIterator[Busy]:
    busy = Busy()
    await asyncio.sleep(0)
    yield busy
    busy.release.set()
    busy.pool.close()


@pytest.mark.skipif(_THREADS > 1, reason="several threads finish in any order")
async def test_logins_first(busy: Busy) -> None:
    """Logins overtake all registrations that wait, and each kind keeps its order."""
    names = [(Turn.REGISTRATION, "r1"), (Turn.LOGIN, "l1"), (Turn.REGISTRATION, "r2"), (Turn.LOGIN, "l2")]
    assert await busy.finish(*(busy.queue(turn, name) for turn, name in names)) == ["l1", "l2", "r1", "r2"]


async def test_room(busy: Busy) -> None:
    """Registrations fill 64 places; logins have 16 more."""
    registrations = [busy.queue(Turn.REGISTRATION, "r") for _ in range(64 - _THREADS)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await busy.queue(Turn.REGISTRATION, "r")
    logins = [busy.queue(Turn.LOGIN, "l") for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await busy.queue(Turn.LOGIN, "l")
    assert len(await busy.finish(*registrations, *logins)) == 80 - _THREADS


async def test_cancelled(busy: Busy) -> None:
    """Work whose request has ended is left out, and its place is free again."""
    gone, kept = busy.queue(Turn.LOGIN, "gone"), busy.queue(Turn.LOGIN, "kept")
    await asyncio.sleep(0)
    gone.cancel()
    assert await busy.finish(kept) == ["kept"]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_errors(busy: Busy) -> None:
    """An exception of the work is raised where its result is awaited, and the thread goes on."""
    failing = busy.start(Turn.LOGIN, lambda: 1 // 0)
    assert await busy.finish(busy.queue(Turn.LOGIN, "next")) == ["next"]
    with pytest.raises(ZeroDivisionError):
        await failing


async def test_no_time_left(busy: Busy) -> None:
    """Who has waited until their request's time is over is refused, and what they waited for isn't done."""
    with time_limit(0.05), pytest.raises(Unavailable):
        await busy.queue(Turn.LOGIN, "late")
    assert await busy.finish(busy.queue(Turn.LOGIN, "next")) == ["next"]


async def test_measured(metrics: Metrics, busy: Busy) -> None:
    """Passwords that wait or are being hashed, also those of callers who leave; and those that found no room."""
    registrations = [busy.queue(Turn.REGISTRATION, "r") for _ in range(64 - _THREADS)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await busy.queue(Turn.REGISTRATION, "r")
    assert metrics.value("parley.passwords.queue") == 64
    assert metrics.value("parley.refusals", budget="passwords_waiting") == 1
    registrations[0].cancel()
    await asyncio.gather(registrations.pop(0), return_exceptions=True)
    assert metrics.value("parley.passwords.queue") == 63
    await busy.finish(*registrations)
    assert metrics.value("parley.passwords.queue") == 0
