"""Who dies young is replaced later and later; with processes that end at once."""

import multiprocessing
import os
from multiprocessing.context import SpawnProcess
from typing import Any, cast

import pytest

from parley_app.place import Place
from parley_app.worker import Worker


class Started:
    """Starts processes that end at once and waits for their ends."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Worker:
        self.count += 1
        process: Any = SpawnProcess(target=os._exit, args=(3,))
        process.start()
        process.join()
        process.ready = multiprocessing.get_context("spawn").Event()
        return cast("Worker", process)


def pauses(place: Place, started: Started, now: list[float], deaths: int) -> list[int]:
    """Return the seconds from each death to the next start."""
    found = []
    for _ in range(deaths):
        died, before = now[0], started.count
        assert place.look()
        while started.count == before:
            assert place.look() is None
            now[0] += 1
        found.append(int(now[0] - died) - 1)
    return found


def test_a_crash_loop_is_paced(caplog: pytest.LogCaptureFixture) -> None:
    """The first death costs no time, the next ones more and more, up to half a minute."""
    now, started = [0.0], Started()
    place = Place(started, clock=lambda: now[0])
    assert pauses(place, started, now, 8) == [0, 1, 2, 4, 8, 16, 30, 30]
    assert "a worker ended (code 3); another one starts in 30 s" in caplog.text
    now[0] += 61
    assert pauses(place, started, now, 2) == [0, 1], "who has lived for a minute did not die of its start"


def test_a_dead_worker_is_not_ready() -> None:
    """A place whose worker has died after it was ready doesn't serve."""
    place = Place(Started())
    place.worker.ready.set()
    assert not place.is_ready
