"""The threads that hash: whoever is more urgent is served first, and the queue is bounded."""

import asyncio
import itertools
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from queue import PriorityQueue
from typing import Any, TypeVar

from parley_core.data.deadline import remaining
from parley_core.errors import Unavailable
from parley_core.refusals import count_refusal
from parley_core.telemetry import METER

T = TypeVar("T")
# One core stays free for the event loop: hashing occupies a whole core.
_THREADS = max(1, (os.cpu_count() or 2) - 1)


class Turn(IntEnum):
    """Who is served first when several wait."""

    LOGIN = 0
    """Logins, and whatever else is done for somebody who has an account."""

    REGISTRATION = 1
    """What anybody may ask for."""


# Registrations leave part of the queue to logins.
_ROOM = {Turn.LOGIN: 80, Turn.REGISTRATION: 64}
_QUEUE = METER.create_up_down_counter(
    "parley.passwords.queue", "{password}", "Passwords that wait to be hashed, or that are being hashed."
)


@dataclass(frozen=True, order=True)
class _Job:
    turn: Turn
    number: int
    work: Callable[[], Any] = field(compare=False)
    done: Future[Any] = field(compare=False, default_factory=Future)

    def run(self) -> None:
        # Its request may have ended while it waited.
        if not self.done.set_running_or_notify_cancel():
            return
        try:
            self.done.set_result(self.work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is awaited
            self.done.set_exception(error)


class HashingPool:
    """A small pool of threads; when its queue is full or takes too long, it raises `Unavailable` (503)."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        self._jobs: PriorityQueue[_Job] = PriorityQueue()
        self._numbers = itertools.count()
        self._waiting = 0

    async def run(self, work: Callable[[], T], turn: Turn) -> T:
        """Return what `work` returns, in a thread.

        Raises:
            Unavailable: so much work waits that there is no room for this turn, or the caller's time is over.
        """
        if self._waiting >= _ROOM[turn]:
            count_refusal("passwords_waiting")
            raise Unavailable
        job = _Job(turn, next(self._numbers), work)
        self._jobs.put(job)
        # Each call takes one job, the most urgent one, which needn't be this one.
        self._threads.submit(self._run_next)
        self._waiting += 1
        _QUEUE.add(1)
        try:
            async with asyncio.timeout(remaining()):
                result: T = await asyncio.wrap_future(job.done)
        except TimeoutError:
            raise Unavailable from None
        finally:
            self._waiting -= 1
            _QUEUE.add(-1)
        return result

    def _run_next(self) -> None:
        self._jobs.get_nowait().run()

    def close(self) -> None:
        """Stop the threads when their work is done."""
        self._threads.shutdown()
