"""What a process uses, over time, and whether that grows."""

import os
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from parley_app.testing import Serving

_SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True)
class Server:
    """The Python processes of a `parley serve`, without its MongoDB."""

    pids: Sequence[int]

    @classmethod
    def of(cls, serving: Serving) -> "Server":
        """Return those of a running one."""
        databases = set(serving.family("mongod"))
        return cls([pid for pid in serving.family() if pid not in databases])

    def megabytes(self) -> float:
        """Return the resident memory."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def descriptors(self) -> list[str]:
        """Return what is open, without connections to the database, of which there are more or fewer at any time.

        The embedded MongoDB listens on a Unix socket, clients on TCP.
        """
        unix = {line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines()[1:]}
        found = [target for pid in self.pids for target in _targets(pid)]
        return [target for target in found if not ((socket := _SOCKET.match(target)) and socket[1] in unix)]


def _targets(pid: int) -> Iterator[str]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield str(entry.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue


@dataclass
class Memory:
    """The resident memory of a server during a run, in the order of time."""

    server: Server
    samples: list[float] = field(default_factory=list)

    def sample(self) -> None:
        """Look once."""
        self.samples.append(self.server.megabytes())

    def grown(self) -> float:
        """Return by how many megabytes it has grown in the second half, in which caches and pools are full."""
        return growth_in_second_half(self.samples)


def growth_in_second_half(samples: Sequence[float]) -> float:
    """Return the difference between the medians of the last tenth and of the first tenth after the middle."""
    half = samples[len(samples) // 2 :]
    tenth = max(1, len(samples) // 10)
    return statistics.median(half[-tenth:]) - statistics.median(half[:tenth])
