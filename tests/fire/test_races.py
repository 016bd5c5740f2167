"""The whole product used by many people through three workers, beside a model that knows each answer.

At once: there is an order of the requests in which the model answers the same. One after the other: each answer is the
model's, and nothing in it is somebody else's.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test
from model.checking import unanswered, violations_in
from model.machine import Machine
from model.sequence import Sequence
from model.using import use
from model.workers import Workers, running

from parley_core.kernel.settings import CoreSettings
from parley_interviews.participants import presentation, service
from parley_interviews.participants.repository import ParticipantRepository
from parley_interviews.scope import GuardReader

SHORT = 400
"""Requests at once; in sequence there are half as many, and half as many random reads."""
_OF_A_SEED, _STEPS = 10_000, 20
Figures = Callable[[str], None]


@pytest.fixture
async def workers(core_settings: CoreSettings) -> AsyncIterator[Workers]:
    async with running(core_settings, 3) as workers:
        yield workers


async def at_once(workers: Workers, name: str, steps: int) -> tuple[list[str], str]:
    """Use the product for so many steps; return the violations, and a line of figures."""
    before, began = len(await workers.log()), time.monotonic()
    run = await workers.a_run(name)
    await use(run, steps, workers.log_in)
    log, used = await workers.log(before), time.monotonic() - began
    found = list(violations_in(run, log))
    checked = time.monotonic() - began - used
    observed = sum(map(len, run.observed.values()))
    return found, (
        f"{name}: {run.sent} requests in {used:.0f} s, {observed} observations of {len(run.initial)} interviews and "
        f"{len(run.users)} accounts checked in {checked:.0f} s, slowest "
        f"{run.slowest[0]:.1f} s ({run.slowest[1]}), {unanswered(run)} unavailable, {len(found)} violations"
    )


async def test_at_once(workers: Workers, budget: int, seed: int, figures: Figures) -> None:
    """Whatever many people send at once, there is an order of the requests in which the model answers the same."""
    for number in range(seed, seed + max(1, budget // _OF_A_SEED)):
        found, line = await at_once(workers, f"seed-{number}", min(budget, _OF_A_SEED))
        figures(line)
        assert not found, f"seed {number}: {len(found)} violations\n\n" + "\n\n".join(found[:3])


async def test_in_sequence(workers: Workers, budget: int, seed: int, figures: Figures) -> None:
    """Whatever hypothesis has people send one after the other, each answer is the model's."""
    Machine.workers, Machine.loop = workers, asyncio.get_running_loop()
    settings = hypothesis.settings(
        max_examples=max(1, budget // 2 // _STEPS),
        stateful_step_count=_STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    # In a thread, since the machine isn't asynchronous and the workers are.
    await asyncio.to_thread(run_state_machine_as_test, hypothesis.seed(seed)(Machine), settings=settings)
    figures(f"seed {seed}: {settings.max_examples} sequences of up to {_STEPS} steps, each as the model has it")


async def test_no_leaks(workers: Workers, budget: int, seed: int, figures: Figures) -> None:
    """Of random reads of every place by everybody, each has the status of the oracle, and nothing of anybody else."""
    world = await a_world(workers, f"leaks-{seed}")
    statuses = await read_much(world, budget // 2)
    figures(f"seed {seed}: {budget // 2} reads, 0 leaks; by status {dict(sorted(statuses.items()))}")
    assert {200, 401, 403} <= statuses.keys()


async def read_much(world: Sequence, times: int) -> Counter[int]:
    """Read so many places; return how many answers have which status."""
    return Counter([(await world.read_anything()).status_code for _ in range(times)])


async def a_world(workers: Workers, name: str) -> Sequence:
    """Return interviews with messages, each with other people, and whose words are known."""
    world = Sequence(await workers.a_run(name))
    people = list(world.run.users)[1:]
    for number in range(5):
        interview_id = await world.create(number, world.run.chance.sample(people, 3))
        await world.post(interview_id, f"secret message {number} of {name}.")
    return world


def remembering(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the function broken: it goes on giving the first result for the same arguments."""
    known: dict[object, Any] = {}

    async def first(owner: object, *arguments: object) -> object:
        if arguments not in known:
            known[arguments] = await original(owner, *arguments)
        return known[arguments]

    return first


@pytest.mark.parametrize(("owner", "name"), [(GuardReader, "read"), (ParticipantRepository, "of")])
async def test_stale_reads_are_seen(
    core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    """A guard, or a list of participants, that remembers what it has read once is found out."""
    monkeypatch.setattr(owner, name, remembering(getattr(owner, name)))
    async with running(core_settings, 1) as workers:
        # Who meets whom is the machine's: a run may by chance show nothing.
        for attempt in range(6):
            found, _ = await at_once(workers, f"broken-{attempt}", 150)
            if found:
                return
    pytest.fail("nothing was found")


async def test_leaks_are_seen(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that shows everybody's e-mail address to candidates is found out."""
    original = presentation.shown_to

    def shown(access: Any, participant: Any, user: Any) -> Any:
        return original(access, participant, user).model_copy(update={"email": user.email})

    monkeypatch.setattr(service, "shown_to", shown)
    async with running(core_settings, 1) as workers:
        world = await a_world(workers, "broken")
        with pytest.raises(AssertionError, match=r"example\.com"):
            await read_much(world, 500)
