"""A line to MongoDB that is cut and slow under load: nothing acknowledged is lost, requests are answered in time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from cluster import Workers
from ledger import Ledger
from lines import FailingLine
from siege import drained, looking, problems_of, set_stage
from writing import recovery_of, writing

from parley_app.testing import Start
from parley_core.embedded import EmbeddedMongoDB

SHORT = 3
"""How often the line is cut, and how often it is slow."""
BETWEEN = 15
REQUEST_SECONDS, RECOVERY_SECONDS = 5.5, 5
SECONDS_EACH = 60
SLOW, SLOW_SECONDS = (0.02, 0.2, 1.5), 4
"""Seconds that each piece of data takes, either way; and for how long."""
Blow = Callable[[FailingLine, int], Awaitable[None]]


@pytest.fixture
def mongodb(tmp_path: Path) -> Iterator[EmbeddedMongoDB]:
    with EmbeddedMongoDB.start(tmp_path / "data") as server:
        yield server


@pytest.fixture
async def line(mongodb: EmbeddedMongoDB, seed: int) -> AsyncIterator[FailingLine]:
    async with FailingLine.to(mongodb.uri, Random(seed)) as line:  # noqa: S311 - no secret depends on it
        yield line


@pytest.fixture
async def workers(tmp_path: Path, line: FailingLine) -> AsyncIterator[Workers]:
    workers = Workers(Start(tmp_path), line.uri)
    try:
        # In a thread: the line works in this loop.
        await asyncio.to_thread(workers.start, 1)
        yield workers
    finally:
        workers.end()


async def cut(line: FailingLine, _: int) -> None:
    before = line.cuts
    line.cut_soon()
    while line.cuts == before:  # noqa: ASYNC110 - the line is cut by what the workers send
        await asyncio.sleep(0.01)


async def slow(line: FailingLine, number: int) -> None:
    line.delay_seconds = SLOW[number % len(SLOW)]
    await asyncio.sleep(SLOW_SECONDS)
    line.delay_seconds = 0


@pytest.mark.chaos
@pytest.mark.parametrize("blow", [cut, slow])
async def test_nothing_is_lost(
    workers: Workers,
    line: FailingLine,
    *,
    budget: int,
    seed: int,
    figures: Callable[[str], None],
    blow: Blow,
) -> None:
    """Each acknowledged write is in documents and log once, and none that was tried again by the driver twice."""
    ledger, stage = Ledger(), await set_stage(workers.core_settings())
    async with asyncio.timeout(SECONDS_EACH * budget), writing(workers.urls, stage, ledger, seed=seed):
        times = [await recovery_of(workers.urls, ledger, blow(line, number), BETWEEN) for number in range(budget)]
        await ledger.grown_by(BETWEEN)
    async with looking(workers.core_settings()) as database:
        lag, problems = await drained(database), await problems_of(database, ledger)
    figures(
        f"{blow.__name__}: {budget} times, {len(ledger.acknowledged)} writes acknowledged, {len(ledger.unknown)} not; "
        f"{len(problems)} problems; slowest request {ledger.slowest:.2f} s, "
        f"recovery {max(times):.2f} s at most, relay {lag:.2f} s behind at the end"
    )
    assert problems == []
    assert ledger.slowest < REQUEST_SECONDS
    assert max(times) < RECOVERY_SECONDS
