"""One request alone: how long it takes, against one `find_one` through the driver in a process like the server's."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.bars import ALONE, at_most
from benchmarks.cases import Measurable, measure, reads
from benchmarks.data import an_id
from benchmarks.machine import ROOT, SERVER_CORE, pinned
from benchmarks.report import paired, shown
from benchmarks.servers import parley
from benchmarks.stage import Stage
from parley_core.data.database import open_client

_FIND_ONE = "find_one"


@dataclass(frozen=True)
class FindOne:
    """Reads interviews by their ids, one after the other, in a process on the servers' core."""

    uri: str
    database: str
    name: str = _FIND_ONE

    def measure(self, seconds: float, *, connections: int = 1) -> dict[str, Any]:
        """Return the median latency in ms."""
        command = [sys.executable, "-m", "benchmarks.alone", self.uri, self.database, str(seconds)]
        done = subprocess.run(pinned(command, SERVER_CORE), capture_output=True, check=True, timeout=90, cwd=ROOT)
        result: dict[str, Any] = json.loads(done.stdout)
        return result


def table(stage: Stage) -> Iterator[str]:
    """Measure cached reads at one connection."""
    options, database = stage.options, stage.database.name
    with parley(stage.uri, database) as server:
        todo: list[Measurable] = [FindOne(stage.uri, database), *reads(server, stage.readers)]
        measured = measure(todo, options.rounds, options.seconds, connections=1)
    floor = measured.pop(_FIND_ONE)
    yield from ("", "| one connection | p50 ms | ratio to one `find_one` | range | bar |", "|---|---|---|---|---|")
    yield f"| one `find_one` through the driver | {statistics.median(r['p50_ms'] for r in floor):.2f} | | | |"
    for name, results in measured.items():
        ratios = paired(results, floor, "p50_ms")
        p50 = statistics.median(result["p50_ms"] for result in results)
        yield f"| Parley {name} | {p50:.2f} | {shown(ratios)} | {at_most(ratios, ALONE.get(name))} |"


async def _latency(uri: str, database: str, seconds: float) -> float:
    taken: list[float] = []
    async with open_client(uri, database=database, timeout_seconds=30, pool_size=8) as client:
        interviews, until = client[database]["interviews"], time.perf_counter() + seconds
        while (before := time.perf_counter()) < until or not taken:
            await interviews.find_one({"_id": an_id(2, len(taken) % 40)})
            taken.append(time.perf_counter() - before)
    return statistics.median(taken) * 1000


if __name__ == "__main__":
    import uvloop

    uvloop.install()
    print(json.dumps({"p50_ms": asyncio.run(_latency(sys.argv[1], sys.argv[2], float(sys.argv[3])))}))
