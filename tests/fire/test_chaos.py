"""A MongoDB that is killed and frozen under load: nothing acknowledged is lost, and the workers go on by themselves."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator

import pytest
from cluster import Cluster, running_cluster
from ledger import Ledger
from siege import drained, looking, problems_of, set_stage
from writing import Stage, recovery_of, writing

SHORT = 3
"""How often MongoDB is killed, and how often it is frozen."""
WORKERS, BETWEEN = 2, 30
REQUEST_SECONDS, RECOVERY_SECONDS = 5.5, 5
SECONDS_EACH = 60
"""A blow takes 2 to 12 s; a busy machine takes longer."""
FROZEN_SECONDS = (0.5, 2, 6)
Blow = Callable[[Cluster, int], Awaitable[None]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("chaos"), workers=WORKERS) as cluster:
        yield cluster


@pytest.fixture
async def stage(cluster: Cluster) -> Stage:
    return await set_stage(cluster.core_settings())


async def kill(cluster: Cluster, _: int) -> None:
    await cluster.kill_mongod()


async def freeze(cluster: Cluster, number: int) -> None:
    cluster.signal_mongod(signal.SIGSTOP)
    await asyncio.sleep(FROZEN_SECONDS[number % len(FROZEN_SECONDS)])
    cluster.signal_mongod(signal.SIGCONT)


@pytest.mark.parametrize("blow", [kill, pytest.param(freeze, marks=pytest.mark.chaos)])
async def test_nothing_is_lost(
    cluster: Cluster, stage: Stage, budget: int, seed: int, figures: Callable[[str], None], *, blow: Blow
) -> None:
    """Each acknowledged write is in documents and log once, no request takes long, and no worker is started again."""
    ledger, workers = Ledger(), [worker.process.pid for worker in cluster.workers]
    async with asyncio.timeout(SECONDS_EACH * budget), writing(cluster.urls, stage, ledger, seed=seed):
        times = [await recovery_of(cluster.urls, ledger, blow(cluster, number), BETWEEN) for number in range(budget)]
        await ledger.grown_by(BETWEEN)
    async with looking(cluster.core_settings()) as database:
        lag, problems = await drained(database), await problems_of(database, ledger)
    figures(
        f"{blow.__name__}: {budget} times, {len(ledger.acknowledged)} writes acknowledged, {len(ledger.unknown)} not; "
        f"{len(problems)} problems; slowest request {ledger.slowest:.2f} s, "
        f"recovery {max(times):.2f} s at most, relay {lag:.2f} s behind at the end"
    )
    assert problems == []
    # In plain nox other tests run beside this one.
    if budget > SHORT:
        assert ledger.slowest < REQUEST_SECONDS
        assert max(times) < RECOVERY_SECONDS
    assert [worker.process.pid for worker in cluster.workers if worker.process.poll() is None] == workers
