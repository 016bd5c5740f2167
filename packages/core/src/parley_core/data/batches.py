"""Group commit: items that arrive while a batch is under way share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from opentelemetry.metrics import Histogram

from parley_core.data.deadline import remaining
from parley_core.errors import Unavailable
from parley_core.refusals import count_refusal
from parley_core.telemetry import METER, only_trace
from parley_core.waiting import fail, fulfil, within

LARGEST = 256
# Batches of one key that others go on beside, at most: a database that hangs as a whole isn't asked ever more.
_SLOW_AT_ONCE = 4
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")


def group_sizes(name: str, unit: str, description: str) -> Histogram:
    """Return the histogram of how many items were settled together; a module makes it once, when it is imported."""
    buckets = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    return METER.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=buckets)


@dataclass(eq=False)
class _Entry(Generic[T, R]):
    """An item, and where its caller waits for the outcome."""

    item: T
    outcome: asyncio.Future[R]

    @property
    def has_timed_out(self) -> bool:
        """Whether the caller was refused for having waited too long; one who was cancelled wasn't refused."""
        return self.outcome.done() and not self.outcome.cancelled()


class Batches(Generic[K, T, R]):
    """Settles items in batches: of each key one batch at a time unless one is slow, of several keys side by side.

    An item that was taken into a batch is settled whether anybody still waits for it or not.

    Args:
        settle: settles a batch of one key and returns an outcome for each item; when it raises, each item is
            settled by itself, so that one bad item spoils nobody else's. After `Unavailable` none is, since they may
            be settled already.
        largest: items in a batch at most; unset is `LARGEST`.
        longest: items of one key that may wait; more are refused.
        patience: seconds that an item may wait whose caller has no deadline; after them it is refused, and dropped
            unless it is in a batch. Others wait as long as their deadline lets them.
        sizes: where the number of items of each batch is recorded.
        budget: the word by which refusals are counted, see `count_refusal`.
        slow_seconds: after which the next batch of a key doesn't wait any longer for the one before; None for never.
    """

    def __init__(
        self,
        settle: Callable[[K, Sequence[T]], Awaitable[Sequence[R | Exception]]],
        *,
        largest: int | None = None,
        longest: int,
        patience: float,
        sizes: Histogram,
        budget: str,
        slow_seconds: float | None = None,
    ) -> None:
        self._settle = settle
        self._largest = largest or LARGEST
        self._longest = longest
        self._patience = patience
        self._sizes = sizes
        self._budget = budget
        self._slow_seconds = slow_seconds
        self._waiting: dict[K, deque[_Entry[T, R]]] = {}
        self._workers: set[asyncio.Task[None]] = set()

    async def submit(self, key: K, item: T) -> R:
        """Return the outcome of an item; raise it where it is an exception.

        Raises:
            Unavailable: too many items wait, or this one has waited too long.
        """
        left = remaining()
        seconds = self._patience if left is None else left
        if seconds <= 0:
            raise Unavailable
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._begin(key)
        if len(waiting) >= self._longest:
            count_refusal(self._budget)
            raise Unavailable
        entry: _Entry[T, R] = _Entry(item, asyncio.get_running_loop().create_future())
        waiting.append(entry)
        try:
            return await within(entry.outcome, seconds)
        except TimeoutError:
            raise Unavailable from None

    async def close(self) -> None:
        """Stop; whoever still waits is answered `Unavailable`."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def _begin(self, key: K) -> deque[_Entry[T, R]]:
        waiting: deque[_Entry[T, R]] = deque()
        self._waiting[key] = waiting
        # The trace alone: the deadline of the request that happens to come first isn't the others'.
        self._start(self._work(key, waiting), only_trace())
        return waiting

    def _start(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> "asyncio.Task[None]":
        worker = asyncio.get_running_loop().create_task(work, context=context)
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)
        return worker

    async def _work(self, key: K, waiting: deque[_Entry[T, R]]) -> None:
        slow: set[asyncio.Task[None]] = set()
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(len(waiting), self._largest))]
                if self._slow_seconds is None:
                    await self._settle_batch(key, batch)
                    continue
                slow.add(self._start(self._settle_batch(key, batch)))
                _, slow = await asyncio.wait(slow, timeout=self._slow_seconds, return_when=asyncio.FIRST_COMPLETED)
                if len(slow) == _SLOW_AT_ONCE:
                    _, slow = await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waiting[key]
            _refuse(waiting)

    async def _settle_batch(self, key: K, batch: Sequence[_Entry[T, R]]) -> None:
        try:
            await self._settle_all(key, [entry for entry in batch if not entry.has_timed_out])
        finally:
            _refuse(batch)

    async def _settle_all(self, key: K, batch: Sequence[_Entry[T, R]]) -> None:
        if not batch:
            return
        try:
            outcomes = await self._settle(key, [entry.item for entry in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to whoever waits
            if len(batch) == 1 or isinstance(error, Unavailable):
                fail([entry.outcome for entry in batch], error)
                return
            for entry in batch:
                await self._settle_all(key, [entry])
        else:
            self._sizes.record(len(batch))
            for entry, outcome in zip(batch, outcomes, strict=True):
                _answer(entry.outcome, outcome)


def _refuse(entries: Iterable[_Entry[T, R]]) -> None:
    """Answer those who still wait that nobody knows what became of theirs."""
    fail([entry.outcome for entry in entries if not entry.outcome.done()], Unavailable())


def _answer(future: "asyncio.Future[R]", outcome: R | Exception) -> None:
    if isinstance(outcome, Exception):
        fail([future], outcome)
    else:
        fulfil([future], outcome)
