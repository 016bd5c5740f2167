"""Waiting for work that another request has started: it is done once, and goes on when one of many callers leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from contextvars import Context
from typing import Any, Generic, TypeVar

from parley_core.telemetry import only_trace

R = TypeVar("R")
T = TypeVar("T")
_CANCEL_SECONDS = 0.05


class SharedWork(Generic[R]):
    """Work that is done once for all callers who want the same key while it is under way."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[R]] = {}

    def is_under_way(self, key: Hashable) -> bool:
        """Return whether work for this key is under way."""
        return key in self._under_way

    async def join(
        self,
        key: Hashable,
        work: Callable[[], Coroutine[Any, Any, R]],
        *,
        seconds: float | None = None,
        context: Context | None = None,
    ) -> R:
        """Return the result of the work for `key`, which is started unless it is under way.

        The work goes on when a caller is cancelled or runs out of time, since others may wait for it too.

        Args:
            key: everything that the result depends on.
            work: a function that does the work.
            seconds: how long this caller waits; None for as long as it takes.
            context: the context that the work runs in; None for a copy of the first caller's, its deadline included.

        Raises:
            TimeoutError: the caller's time is over.
            Exception: whatever the work raised.
        """
        if (task := self._under_way.get(key)) is None:
            task = asyncio.get_running_loop().create_task(work(), context=context)
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        async with asyncio.timeout(seconds):
            return await asyncio.shield(task)

    def _finish(self, key: Hashable, task: asyncio.Task[R]) -> None:
        del self._under_way[key]
        # Retrieved, so that asyncio doesn't report an exception that nobody waited for.
        if not task.cancelled():
            task.exception()


class Rounds(Generic[T]):
    """Work that is done in rounds: those who ask while a round is under way share the next one.

    So a round begins after everybody whom it serves has asked, and one runs at a time.

    Args:
        work: does one round; it is given what its callers have asked for.
    """

    def __init__(self, work: Callable[[set[T]], Awaitable[None]]) -> None:
        self._work = work
        self._items: set[T] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._runner: asyncio.Task[None] | None = None

    async def join(self, items: Iterable[T], *, seconds: float | None) -> None:
        """Return when a round that began after this call is done; it goes on when a caller leaves.

        Args:
            items: what this caller asks for.
            seconds: how long this caller waits; None for as long as it takes.

        Raises:
            TimeoutError: the caller's time is over.
            Exception: whatever the round raised.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._items.update(items)
        self._waiting.append(future)
        if self._runner is None:
            # The trace alone: the first caller's timeout is not that of those who share a round.
            self._runner = asyncio.get_running_loop().create_task(self._run(), context=only_trace())
        await within(future, seconds)

    async def close(self) -> None:
        """Stop; whoever still waits doesn't learn what became of their round."""
        if self._runner:
            await end(self._runner)
        _cancel(self._waiting)

    async def _run(self) -> None:
        try:
            while waiting := self._waiting:
                items, self._items, self._waiting = self._items, set(), []
                try:
                    await self._work(items)
                except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait for it
                    fail(waiting, error)
                except BaseException:
                    _cancel(waiting)
                    raise
                else:
                    fulfil(waiting, None)
        finally:
            self._runner = None


async def end(task: "asyncio.Task[None]") -> None:
    """Cancel a task until it is done: the database's driver may take a cancellation for a lost connection."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_SECONDS)


async def is_set(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, so many seconds at most; return whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def within(future: "asyncio.Future[R]", seconds: float | None) -> R:
    """Return the result of a future that is this caller's own and that others' work fulfils.

    Args:
        future: the caller's; nobody else waits for it.
        seconds: how long to wait; None for as long as it takes.

    Raises:
        TimeoutError: the time is over; the future is done with this exception from then on.
        Exception: whatever the future was given.
    """
    if seconds is None:
        return await future
    alarm = asyncio.get_running_loop().call_later(seconds, fail, [future], TimeoutError())
    try:
        return await future
    finally:
        alarm.cancel()


def fail(futures: "list[asyncio.Future[R]]", error: Exception) -> None:
    """Give an exception to the callers who still wait, which those who were cancelled or ran out of time don't."""
    for future in futures:
        if not future.done():
            future.set_exception(error)


def fulfil(futures: "list[asyncio.Future[R]]", result: R) -> None:
    """Give a result to the callers who still wait."""
    for future in futures:
        if not future.done():
            future.set_result(result)


def _cancel(futures: "Iterable[asyncio.Future[None]]") -> None:
    for future in futures:
        future.cancel()
