"""Work that is done once for all who wait: whoever leaves stops it for nobody, and its failure reaches all."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any

import pytest

from parley_core.waiting import Rounds, SharedWork, fail, fulfil, is_set, within

_name: ContextVar[str] = ContextVar("name", default="nobody")


class Work:
    """Counts how often it is started, and ends when its gate is opened."""

    def __init__(self) -> None:
        self.started = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> str:
        self.started += 1
        await self.gate.wait()
        if self.error:
            raise self.error
        return _name.get()


async def some_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def joined(shared: SharedWork[str], work: Callable[[], Coroutine[Any, Any, str]], **options: Any) -> asyncio.Task[str]:
    return asyncio.create_task(shared.join("key", work, **options))


class TestSharedWork:
    async def test_once(self) -> None:
        """All who want one key while its work is under way share it; another key, or a later caller, has its own."""
        shared, work = SharedWork[str](), Work()
        callers = [joined(shared, work) for _ in range(10)]
        other = asyncio.create_task(shared.join("other", work))
        await some_turns()
        assert (work.started, shared.is_under_way("key"), shared.is_under_way("none")) == (2, True, False)
        work.gate.set()
        assert await asyncio.gather(*callers, other) == ["nobody"] * 11
        assert not shared.is_under_way("key")
        await joined(shared, work)
        assert work.started == 3

    async def test_cancelled_caller(self) -> None:
        """A cancelled caller, be it the one who started the work, takes the result from nobody."""
        shared, work = SharedWork[str](), Work()
        first, second = joined(shared, work), joined(shared, work)
        await some_turns()
        first.cancel()
        await some_turns()
        work.gate.set()
        assert await second == "nobody"
        assert first.cancelled()
        assert work.started == 1

    async def test_time_is_over(self) -> None:
        """A caller waits for as long as they said; the others go on waiting."""
        shared, work = SharedWork[str](), Work()
        hurried, patient = joined(shared, work, seconds=0.01), joined(shared, work)
        with pytest.raises(TimeoutError):
            await hurried
        work.gate.set()
        assert await patient == "nobody"

    async def test_no_time_left(self) -> None:
        """A caller without time left doesn't wait, and the work is done nevertheless."""
        shared, work = SharedWork[str](), Work()
        with pytest.raises(TimeoutError):
            await shared.join("key", work, seconds=-1)
        other = joined(shared, work)
        work.gate.set()
        assert await other == "nobody"
        assert work.started == 1

    async def test_exception(self) -> None:
        """The work's exception reaches everybody who waits, and nobody who comes later."""
        shared, work = SharedWork[str](), Work()
        work.error = LookupError("gone")
        callers = [joined(shared, work) for _ in range(3)]
        work.gate.set()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(result) for result in results] == [LookupError] * 3
        work.error = None
        assert await joined(shared, work) == "nobody"

    async def test_nobody_waits(self) -> None:
        """When all callers have left, the work ends, and its exception isn't reported as one that nobody saw."""
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        shared, work = SharedWork[str](), Work()
        work.error = LookupError("gone")
        caller = joined(shared, work)
        await some_turns()
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        work.gate.set()
        await some_turns()
        assert not shared.is_under_way("key")
        # asyncio reports a task's exception when the task goes, and the caller's traceback refers to it.
        del caller
        gc.collect()
        assert reported == []

    async def test_context(self) -> None:
        """The work runs in a copy of the first caller's context, or in the one that is given."""
        shared, work = SharedWork[str](), Work()
        work.gate.set()
        _name.set("ada")
        assert await joined(shared, work) == "ada"
        assert await joined(shared, work, context=Context()) == "nobody"


class Round:
    """Notes what each round was given, and ends when its gate is opened."""

    def __init__(self) -> None:
        self.given: list[set[str]] = []
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, items: set[str]) -> None:
        self.given.append(items)
        await self.gate.wait()
        if self.error:
            raise self.error


class TestRounds:
    async def test_next_one(self) -> None:
        """Those who ask while a round is under way share the next one, which is given what all of them ask for."""
        work = Round()
        rounds = Rounds(work)
        first = asyncio.create_task(rounds.join("a", seconds=None))
        await some_turns()
        others = [asyncio.create_task(rounds.join(name, seconds=None)) for name in ("b", "c", "b")]
        await some_turns()
        assert work.given == [{"a"}]
        work.gate.set()
        await asyncio.gather(first, *others)
        assert work.given == [{"a"}, {"b", "c"}]

    async def test_exception(self) -> None:
        """What a round fails with reaches all who share it, and nobody who comes later."""
        work = Round()
        rounds = Rounds(work)
        work.gate.set()
        work.error = LookupError("gone")
        outcomes = await asyncio.gather(*(rounds.join("abc", seconds=1) for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [LookupError] * 3
        work.error = None
        await rounds.join("a", seconds=1)

    async def test_who_leaves(self) -> None:
        """A caller who is cancelled, or whose time is over, stops the round for nobody."""
        work = Round()
        rounds = Rounds(work)
        leaving, staying = (asyncio.create_task(rounds.join(name, seconds=None)) for name in "ab")
        await some_turns()
        leaving.cancel()
        with pytest.raises(TimeoutError):
            await rounds.join("c", seconds=0.01)
        work.gate.set()
        await staying
        await rounds.join("d", seconds=None)
        assert set().union(*work.given) == set("abcd")

    async def test_close(self) -> None:
        """Whoever waits when it is closed is cancelled: they don't learn what became of their round."""
        rounds = Rounds(Round())
        callers = [asyncio.create_task(rounds.join("a", seconds=None))]
        await some_turns()
        callers.append(asyncio.create_task(rounds.join("b", seconds=None)))
        await some_turns()
        await rounds.close()
        outcomes = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2


class TestWithin:
    async def test_result(self) -> None:
        """A result that comes in time is returned, with or without a limit."""
        for seconds in (None, 5.0):
            future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            waiter = asyncio.create_task(within(future, seconds))
            await some_turns()
            fulfil([future], "done")
            assert await waiter == "done"

    async def test_time_is_over(self) -> None:
        """A caller whose time is over leaves; what comes later reaches the others and harms nobody."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[str]] = [loop.create_future(), loop.create_future()]
        hurried, patient = (asyncio.create_task(within(f, s)) for f, s in zip(futures, (0.01, 5), strict=True))
        with pytest.raises(TimeoutError):
            await hurried
        fulfil(futures, "late")
        assert await patient == "late"

    async def test_cancelled_caller(self) -> None:
        """A cancelled caller is left out when the others are given a result or an exception."""
        loop = asyncio.get_running_loop()
        for error in (None, LookupError("gone")):
            futures: list[asyncio.Future[str]] = [loop.create_future(), loop.create_future()]
            gone, stays = [asyncio.create_task(within(future, 5)) for future in futures]
            await some_turns()
            gone.cancel()
            await some_turns()
            if error:
                fail(futures, error)
            else:
                fulfil(futures, "done")
            (result,) = await asyncio.gather(stays, return_exceptions=True)
            assert result == (error or "done")
            assert gone.cancelled()

    async def test_exception(self) -> None:
        """What the work failed with is raised."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        fail([future], LookupError("gone"))
        with pytest.raises(LookupError, match="gone"):
            await within(future, 5)


async def test_event() -> None:
    """An event is awaited for a time: it has come, it comes meanwhile, or it doesn't come."""
    event = asyncio.Event()
    assert not await is_set(event, 0.01)
    waiting = asyncio.create_task(is_set(event, 10))
    await asyncio.sleep(0)
    event.set()
    assert await waiting
    assert await is_set(event, 0.01)
