"""A replica set of three whose primary steps down, or is killed: nothing acknowledged is lost, another takes over."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from cluster import Workers, running_workers
from ledger import Ledger
from members import ReplicaSet, running_members
from siege import drained, looking, problems_of, set_stage
from writing import Stage, writing

SHORT = 1
"""How often the primary steps down, and how often it is killed."""
BETWEEN = 30
REQUEST_SECONDS = 5.5
SECONDS_EACH = 90
Blow = Callable[[ReplicaSet], None]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with running_members(tmp_path_factory.mktemp("members")) as members:
        yield members


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory, members: ReplicaSet) -> Iterator[Workers]:
    with running_workers(tmp_path_factory.mktemp("workers"), members.uri, workers=1) as workers:
        yield workers


@pytest.fixture
async def stage(workers: Workers) -> Stage:
    return await set_stage(workers.core_settings())


async def gap_of(members: ReplicaSet, ledger: Ledger, blow: Blow) -> float:
    """Strike once some more writes are acknowledged; return the longest time without an acknowledgement since then."""
    await ledger.grown_by(BETWEEN)
    begun = time.monotonic()
    await asyncio.to_thread(blow, members)
    await ledger.grown_by(BETWEEN)
    await asyncio.to_thread(members.wait_until_whole)
    return ledger.gap_since(begun)


@pytest.mark.parametrize(
    ("blow", "gap_seconds"),
    [
        pytest.param(ReplicaSet.step_down, 2, id="step_down"),
        pytest.param(ReplicaSet.kill_primary, 12, id="kill", marks=pytest.mark.chaos),
    ],
)
async def test_nothing_is_lost(
    workers: Workers,
    members: ReplicaSet,
    stage: Stage,
    *,
    budget: int,
    seed: int,
    figures: Callable[[str], None],
    blow: Blow,
    gap_seconds: float,
) -> None:
    """Writes go on with the next primary, within seconds; each acknowledged one is in documents and log once."""
    ledger, living = Ledger(), [worker.process.pid for worker in workers.workers]
    async with asyncio.timeout(SECONDS_EACH * budget), writing(workers.urls, stage, ledger, seed=seed):
        gaps = [await gap_of(members, ledger, blow) for _ in range(budget)]
    async with looking(workers.core_settings()) as database:
        lag, problems = await drained(database), await problems_of(database, ledger)
    figures(
        f"{blow.__name__}: {budget} times, {len(ledger.acknowledged)} writes acknowledged, {len(ledger.unknown)} not; "
        f"{len(problems)} problems; slowest request {ledger.slowest:.2f} s, "
        f"longest gap {max(gaps):.2f} s, relay {lag:.2f} s behind at the end"
    )
    assert problems == []
    # In plain nox other tests run beside this one.
    if budget > SHORT:
        assert ledger.slowest < REQUEST_SECONDS
        assert max(gaps) < gap_seconds
    assert [worker.process.pid for worker in workers.workers if worker.process.poll() is None] == living
