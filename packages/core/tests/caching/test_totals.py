"""The memory of totals: counted once for each state of the data, whoever asks for which page."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from parley_core.caching.store import TTL_SECONDS
from parley_core.caching.totals import CountedTotals, state_of_data
from parley_core.data.deadline import time_limit
from parley_core.data.keyset import Found
from parley_core.errors import Unavailable


class AList:
    """A list of which pages are read, and how often it was counted."""

    def __init__(self) -> None:
        self.total, self.counted, self.read = 7, 0, 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.errors: list[Exception] = []
        self.asked = asyncio.Condition()

    async def reached(self, number: int) -> None:
        """Returns when so many pages were asked for."""
        async with self.asked:
            await self.asked.wait_for(lambda: self.read >= number)

    async def __call__(self, *, counts: bool) -> Found[int]:
        self.read = number = self.read + 1
        async with self.asked:
            self.asked.notify_all()
        if not counts:
            return Found([number], None, None)
        self.counted += 1
        total = self.total
        await self.may_go_on.wait()
        if self.errors:
            raise self.errors.pop()
        return Found([number], total, None)


@pytest.fixture
def state() -> Iterator[Callable[[object], object]]:
    """Sets the state under which an answer will be kept."""
    before = state_of_data.set(1)
    yield state_of_data.set
    state_of_data.reset(before)


def ask(totals: CountedTotals, pages: AList, *, of: str = "notes") -> Coroutine[Any, Any, Found[int]]:
    return totals.page(pages, of=of, wanted=True)


@pytest.mark.usefixtures("state")
async def test_counted_once() -> None:
    """The pages of a list share a total, each with its own items; another filter's is another."""
    totals, pages = CountedTotals(), AList()
    found = [await ask(totals, pages) for _ in range(3)]
    assert [(page.total, page.items) for page in found] == [(7, [1]), (7, [2]), (7, [3])]
    assert pages.counted == 1
    await ask(totals, pages, of="other notes")
    assert pages.counted == 2


async def test_ends_with_its_state(state: Callable[[object], object]) -> None:
    """In another state of the data it is counted anew; in the old one it is what it was."""
    totals, pages = CountedTotals(), AList()
    await ask(totals, pages)
    pages.total = 8
    assert (await ask(totals, pages)).total == 7
    state(2)
    assert (await ask(totals, pages)).total == 8


@pytest.mark.usefixtures("state")
async def test_ages() -> None:
    """No total is remembered for longer than an answer."""
    now = 0.0
    totals, pages = CountedTotals(timer=lambda: now), AList()
    await ask(totals, pages)
    now = TTL_SECONDS + 1
    await ask(totals, pages)
    assert pages.counted == 2


async def test_without_a_state() -> None:
    """Where answers aren't kept nothing is remembered."""
    totals, pages = CountedTotals(), AList()
    for _ in range(3):
        assert (await ask(totals, pages)).total == 7
    assert pages.counted == 3


@pytest.mark.usefixtures("state")
async def test_unwanted() -> None:
    """Nobody counts for whoever wants no total, and nothing is remembered of that."""
    totals, pages = CountedTotals(), AList()
    assert (await totals.page(pages, of="notes", wanted=False)).total is None
    assert pages.counted == 0
    assert (await ask(totals, pages)).total == 7


class TestAtTheSameTime:
    @pytest.mark.usefixtures("state")
    async def test_counted_once_for_all(self) -> None:
        """Those who ask while it is counted read their own page meanwhile, and wait for that count."""
        totals, pages = CountedTotals(), AList()
        pages.may_go_on.clear()
        asking = [asyncio.create_task(ask(totals, pages)) for _ in range(5)]
        await pages.reached(5)
        pages.may_go_on.set()
        assert [page.total for page in await asyncio.gather(*asking)] == [7] * 5
        assert pages.counted == 1

    @pytest.mark.usefixtures("state")
    async def test_a_failure_is_its_own_alone(self) -> None:
        """Where the count fails, only the request that counts fails with it; the others count themselves."""
        totals, pages = CountedTotals(), AList()
        pages.may_go_on.clear()
        pages.errors = [ValueError("broken")]
        asking = [asyncio.create_task(ask(totals, pages)) for _ in range(3)]
        await pages.reached(3)
        pages.may_go_on.set()
        first, *others = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(first, ValueError)
        assert [page.total for page in others if isinstance(page, Found)] == [7, 7]

    @pytest.mark.usefixtures("state")
    async def test_each_has_a_time_of_its_own(self) -> None:
        """Whose time is over goes; the count goes on for the others."""
        totals, pages = CountedTotals(), AList()
        pages.may_go_on.clear()
        patient = asyncio.create_task(ask(totals, pages))
        await pages.reached(1)
        with time_limit(0.01), pytest.raises(Unavailable):
            await ask(totals, pages)
        pages.may_go_on.set()
        assert (await patient).total == 7


@pytest.mark.usefixtures("state")
async def test_bounded() -> None:
    """However many filters are asked for, the memory doesn't grow for ever, and the latest ones are there."""
    totals, pages = CountedTotals(), AList()
    for number in range(5000):
        await ask(totals, pages, of=str(number))
    await ask(totals, pages, of="4999")
    assert pages.counted == 5000
    await ask(totals, pages, of="0")
    assert pages.counted == 5001
