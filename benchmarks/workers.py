"""Two workers of `parley serve` against one, on all cores."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

from benchmarks.cases import Case, measure, reads, writes
from benchmarks.machine import CORES, Server
from benchmarks.report import median, paired, shown
from benchmarks.servers import parley_serve
from benchmarks.stage import Stage

_CASES = ("item", "list", "messages", "create", "post")


def table(stage: Stage) -> Iterator[str]:
    """Measure both in alternating rounds on one database."""
    with _serving(stage, 1) as one, _serving(stage, 2) as two:
        todo = [case for pair in zip(_cases(stage, one), _cases(stage, two), strict=True) for case in pair]
        measured = measure(todo, stage.options.rounds, stage.options.seconds)
    yield from ("", f"Workers, MongoDB and the load share {len(CORES)} cores in this table.")
    yield from ("", "| case | one worker/s | two workers/s | two / one | range |", "|---|---|---|---|---|")
    for name in _CASES:
        single, double = (measured[f"{name} {server.name}"] for server in (one, two))
        rates = f"{median(single, 'per_second'):,.0f} | {median(double, 'per_second'):,.0f}"
        yield f"| {name} | {rates} | {shown(paired(double, single, 'per_second'))} |"


def _serving(stage: Stage, workers: int) -> AbstractContextManager[Server]:
    quiet = {"PARLEY_LOG_LEVEL": "warning"}
    name = f"{workers} workers"
    return parley_serve(stage.uri, stage.database.name, name, workers=workers, cores=CORES, more=quiet)


def _cases(stage: Stage, server: Server) -> list[Case]:
    found = (*reads(server, stage.readers), *writes(server, stage.admin, stage.readers))
    return [replace(case, name=f"{case.name} {server.name}") for case in found if case.name in _CASES]
