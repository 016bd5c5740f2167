"""Batches by themselves: who shares one, who waits, who is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from parley_core.data.batches import Batches, group_sizes
from parley_core.data.deadline import time_limit
from parley_core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parley_core.testing.metrics import Metrics


_SIZES = group_sizes("tests.group.size", "{item}", "Items of a batch.")


class Press:
    """Settles batches when it is allowed to, and remembers them."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.begun = asyncio.Event()
        self.allowed = asyncio.Event()

    async def settle(self, key: str, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append((key, list(items)))
        self.begun.set()
        await self.allowed.wait()
        if 13 in items:
            raise ZeroDivisionError
        return [ValueError() if item < 0 else item * 10 for item in items]


@pytest.fixture
async def press() -> Press:
    return Press()


def batches_of(press: Press, *, longest: int = 9, patience: float = 5, **options: int) -> Batches[str, int, int]:
    return Batches(press.settle, longest=longest, patience=patience, sizes=_SIZES, budget="items_waiting", **options)


async def submit(batches: Batches[str, int, int], *items: int, key: str = "a") -> list[int | BaseException]:
    return await asyncio.gather(*(batches.submit(key, item) for item in items), return_exceptions=True)


async def test_next_batch(press: Press) -> None:
    """Items that arrive while a batch is under way share the next one, and each gets its own outcome."""
    batches = batches_of(press)
    first = asyncio.create_task(submit(batches, 1))
    await press.begun.wait()
    others = asyncio.create_task(submit(batches, 2, 3, -4))
    await asyncio.sleep(0)
    press.allowed.set()
    assert await first == [10]
    [two, three, four] = await others
    assert (two, three) == (20, 30)
    assert isinstance(four, ValueError)
    assert press.batches == [("a", [1]), ("a", [2, 3, -4])]


async def test_measured(press: Press, metrics: Metrics) -> None:
    """A batch counts the items that were settled together, and those that find no room count as refused."""
    batches = batches_of(press, longest=3)
    first = asyncio.create_task(submit(batches, 1))
    await press.begun.wait()
    others = asyncio.create_task(submit(batches, 2, 3, -4, 5))
    await asyncio.sleep(0)
    press.allowed.set()
    await first
    await others
    assert (metrics.value("tests.group.size"), metrics.total("tests.group.size")) == (2, 4)
    assert metrics.value("parley.refusals", budget="items_waiting") == 1


async def test_measured_one_by_one(press: Press, metrics: Metrics) -> None:
    """Where one item spoils a batch, each that is settled by itself is a batch."""
    press.allowed.set()
    await submit(batches_of(press), 1, 13, 2)
    assert (metrics.value("tests.group.size"), metrics.total("tests.group.size")) == (2, 2)


async def test_largest(press: Press) -> None:
    """A batch has no more items than allowed."""
    press.allowed.set()
    assert await submit(batches_of(press, largest=2), 1, 2, 3, 4, 5) == [10, 20, 30, 40, 50]
    assert [items for _, items in press.batches] == [[1, 2], [3, 4], [5]]


async def test_keys(press: Press) -> None:
    """An item never waits for a batch of another key."""
    batches = batches_of(press)
    waiting = [asyncio.create_task(submit(batches, 1, key=key)) for key in "ab"]
    await press.begun.wait()
    await asyncio.sleep(0)
    assert press.batches == [("a", [1]), ("b", [1])]
    press.allowed.set()
    await asyncio.gather(*waiting)


async def test_bad_item(press: Press) -> None:
    """An item that makes a whole batch fail, fails alone."""
    press.allowed.set()
    outcomes = await submit(batches_of(press), 1, 13, 2)
    assert (outcomes[0], outcomes[2]) == (10, 20)
    assert isinstance(outcomes[1], ZeroDivisionError)


async def test_full(press: Press) -> None:
    """When a queue is full, the next item is refused at once."""
    batches = batches_of(press, longest=2)
    waiting = [asyncio.create_task(batches.submit("a", item)) for item in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await batches.submit("a", 3)
    assert refused.value.headers["Retry-After"]
    press.allowed.set()
    assert await asyncio.gather(*waiting) == [10, 20]


async def test_impatient(press: Press) -> None:
    """A caller who has waited too long is refused, and their item is dropped unless it is already in a batch."""
    batches = batches_of(press, patience=0.05)
    first, second = asyncio.create_task(submit(batches, 1)), asyncio.create_task(press.begun.wait())
    await second
    assert isinstance((await submit(batches, 2))[0], Unavailable)
    assert isinstance((await first)[0], Unavailable)
    press.allowed.set()
    assert await submit(batches, 3) == [30]
    assert press.batches == [("a", [1]), ("a", [3])]


async def test_what_is_left(press: Press) -> None:
    """A caller whose request has used most of its time waits for what is left of it; one who has none isn't queued."""
    batches = batches_of(press, patience=60)
    first = asyncio.create_task(submit(batches, 1))
    await press.begun.wait()
    async with asyncio.timeout(5):
        with time_limit(0.05):
            assert isinstance((await submit(batches, 2))[0], Unavailable)
            assert isinstance((await submit(batches, 3))[0], Unavailable)
    press.allowed.set()
    assert await first == [10]
    assert press.batches == [("a", [1])]


async def test_gone(press: Press) -> None:
    """A caller who goes away stops neither their own item nor anybody else's."""
    batches = batches_of(press)
    leaving, staying = (asyncio.create_task(submit(batches, item)) for item in (1, 2))
    await press.begun.wait()
    leaving.cancel()
    press.allowed.set()
    assert await staying == [20]
    assert [items for _, items in press.batches] == [[1, 2]]


async def test_gone_while_queued(press: Press) -> None:
    """An item whose caller goes away while it waits for the next batch is settled in that batch."""
    batches = batches_of(press)
    first = asyncio.create_task(submit(batches, 1))
    await press.begun.wait()
    leaving, staying = (asyncio.create_task(batches.submit("a", item)) for item in (2, 3))
    await asyncio.sleep(0)
    leaving.cancel()
    press.allowed.set()
    assert (await first, await staying) == ([10], 30)
    assert leaving.cancelled()
    assert press.batches == [("a", [1]), ("a", [2, 3])]


async def test_close(press: Press) -> None:
    """Closing answers everybody who waits."""
    batches = batches_of(press, largest=1)
    waiting = asyncio.create_task(submit(batches, 1, 2))
    await press.begun.wait()
    await batches.close()
    assert [type(outcome) for outcome in await waiting] == [Unavailable, Unavailable]
