"""A disk that is full under load: what was acknowledged is there once there is room, and nobody gets a 500."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster import Workers, running_workers
from ledger import Ledger
from siege import drained, looking, problems_of, set_stage
from writing import writing

from parley_core.embedded import EmbeddedMongoDB

SHORT = 1
"""How often the disk is full."""
BETWEEN = 30
REQUEST_SECONDS = 5.5
SECONDS_EACH = 120
_MIB = 1 << 20
_SIZE = "160m"
_FULL_SECONDS = 8


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which is small."""
    folder = tmp_path / "disk"
    folder.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=700", "tmpfs", str(folder)]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount` on this machine")
    if found.returncode:
        pytest.skip(f"a small disk takes the right to mount one: {found.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


class Room:
    """The MongoDB of a small disk, and what takes its room.

    Args:
        disk: the folder.
    """

    def __init__(self, disk: Path) -> None:
        self._ballast, self._data = disk / "ballast", disk / "data"
        self.mongodb = EmbeddedMongoDB.start(self._data)

    def fill(self) -> None:
        """Leave nothing of the disk."""
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(_MIB))
            except OSError:
                pass

    def is_over(self) -> bool:
        """Return whether MongoDB has ended, as it does when it can't write its journal."""
        return self.mongodb.poll() is not None

    def make(self) -> None:
        """Make room, and start MongoDB again where it has ended."""
        self._ballast.unlink()
        if self.is_over():
            self.mongodb.stop()
            self.mongodb = EmbeddedMongoDB.start(self._data)


@pytest.fixture
def room(disk: Path) -> Iterator[Room]:
    room = Room(disk)
    yield room
    room.mongodb.stop()


@pytest.fixture
def workers(tmp_path: Path, room: Room) -> Iterator[Workers]:
    with running_workers(tmp_path, room.mongodb.uri, workers=1) as workers:
        yield workers


@pytest.mark.chaos
async def test_nothing_is_lost(
    workers: Workers, room: Room, *, budget: int, seed: int, figures: Callable[[str], None]
) -> None:
    """Writes are answered 503 while there is no room, and the same worker goes on once there is."""
    ledger, stage = Ledger(), await set_stage(workers.core_settings())
    ends = 0
    async with asyncio.timeout(SECONDS_EACH * budget), writing(workers.urls, stage, ledger, seed=seed):
        for _ in range(budget):
            await ledger.grown_by(BETWEEN)
            await asyncio.to_thread(room.fill)
            await asyncio.sleep(_FULL_SECONDS)
            ends += room.is_over()
            await asyncio.to_thread(room.make)
            await ledger.grown_by(BETWEEN)
    async with looking(workers.core_settings()) as database:
        lag, problems = await drained(database), await problems_of(database, ledger)
    figures(
        f"{budget} times full, {ends} of them ended MongoDB, {len(ledger.acknowledged)} writes acknowledged, "
        f"{len(ledger.unknown)} not; {len(problems)} problems; slowest request {ledger.slowest:.2f} s, "
        f"relay {lag:.2f} s behind at the end"
    )
    assert problems == []
    assert ledger.unknown
    assert ledger.slowest < REQUEST_SECONDS
    assert [worker.process.poll() for worker in workers.workers] == [None]
