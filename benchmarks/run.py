"""`nox -s bench`: measure Parley against baselines and peers, or against an older commit.

python -m benchmarks.run [--rounds 7] [--seconds 2] [--million 1000000] [--parts ...]   writes benchmarks/RESULTS.md
python -m benchmarks.run --against REV [--cases item list] [--rounds 15] [--seconds 1.5]   only prints a table
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from benchmarks import against, alone, changes, commands, growth, log_data, report, workers
from benchmarks.cases import INTERVIEWS, NEW, Case, Measured, Reader, accounts, items, measure, pages, reads, writes
from benchmarks.data import MESSAGES, an_id, copy_for_eve, fill
from benchmarks.machine import LOAD_CORE, Server, request
from benchmarks.servers import everybody, floor, mongodb, parley
from benchmarks.stage import Stage

ENTRIES = 10_000


def cases(stage: Stage, servers: Mapping[str, Server]) -> Iterator[Case]:
    """Return what is measured, in the order of a round."""
    yield Case("U bare ASGI", servers["bare"], [request("/")])
    yield Case("F FastAPI, ready bytes", servers["fastapi"], [request(f"/ready/{an_id(2, 0)}")])
    for name, label in (("parley", ""), ("uncached", ", cache off")):
        for case in reads(servers[name], stage.readers):
            yield replace(case, name=f"Parley {case.name}{label}")
    ours, (reader, *_) = servers["parley"], stage.readers
    yield changes.bare(servers["bare update"], stage.admin)
    for case in (
        *writes(ours, stage.admin, stage.readers),
        *changes.changes(stage.database, ours, stage.admin, reader),
        *pages(ours, stage.admin, reader),
    ):
        yield replace(case, name=f"Parley {case.name}")
    for name in ("naive", "beanie", "eve", "fastify"):
        if name in servers:
            yield from _peer(name, servers[name], items(stage.readers))


def _peer(name: str, server: Server, read: Sequence[tuple[Reader, str]]) -> Iterator[Case]:
    listing = "/interviews?status=scheduled"
    if name == "eve":
        listing = '/interviews?where={"status":"scheduled"}&sort=-created_at&max_results=20'
    new = NEW if name != "eve" else NEW | {"scheduled_at": "Fri, 05 Mar 2027 09:30:00 GMT"}
    yield Case(f"{name} item", server, [request(f"/interviews/{i}", r.peer) for r, i in read])
    yield Case(f"{name} list", server, [request(listing, r.peer) for r, _ in read])
    yield Case(f"{name} create", server, [request("/interviews", read[0][0].peer, new)], "201")


def measure_cases(stage: Stage) -> Iterator[str]:
    """Measure all cases, on one database; count commands; look at the memory of those that were loaded."""
    with everybody(stage.uri, stage.database.name) as servers:
        counted = list(commands.table(stage.database, servers, stage.readers))
        todo = list(cases(stage, servers))
        measured: Measured = measure(todo, stage.options.rounds, stage.options.seconds)
        memory = {name: servers[name].memory_mb() for name in ("fastapi", "parley")}
    yield from (*report.cases(measured), *counted, *report.memory(memory))


def measure_starts(stage: Stage) -> Iterator[str]:
    """Measure from start to open port: Parley, and a process that only imports FastAPI and PyMongo."""
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(max(3, stage.options.rounds)):
        with _started(stage.uri) as (base, ours):
            taken["floor"].append(base.started_in)
            taken["parley"].append(ours.started_in)
    yield from report.starts(taken)


@contextmanager
def _started(uri: str) -> Iterator[tuple[Server, Server]]:
    with floor() as one, parley(uri, "bench_start") as two:
        yield one, two


PARTS: Mapping[str, Callable[[Stage], Iterator[str]]] = {
    "cases": measure_cases,
    "alone": alone.table,
    "workers": workers.table,
    "starts": measure_starts,
    "growth": growth.table,
}


def full(options: argparse.Namespace) -> None:
    """Measure the chosen parts and write the report."""
    os.sched_setaffinity(0, {LOAD_CORE})
    lines = list(report.head(options))
    with mongodb() as uri, MongoClient[dict[str, Any]](uri) as client:
        stage = _stage(uri, client["bench"], options)
        for part in options.parts:
            found = list(PARTS[part](stage))
            print(*found, sep="\n", flush=True)
            lines += found
            # After each part: a later one may take half an hour.
            Path(__file__).with_name("RESULTS.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def _stage(uri: str, database: Database[dict[str, Any]], options: argparse.Namespace) -> Stage:
    admin, readers = accounts(uri, database.name)
    fill(database, [r.id for r in readers], interviews=INTERVIEWS, messages=MESSAGES)
    log_data.extend(database, ENTRIES)
    copy_for_eve(database)
    changes.prepare(database, readers[0])
    return Stage(uri, database, admin, readers, options)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--against", metavar="REV", help="compare this working tree with a commit; only print a table")
    parser.add_argument("--cases", nargs="+", choices=against.CASES, default=against.CASES, help="with --against only")
    parser.add_argument(
        "--parts", nargs="+", choices=[*PARTS], default=[*PARTS], help="what to measure; all by default"
    )
    parser.add_argument("--million", type=int, default=1_000_000, help="interviews of the largest database in `growth`")
    parser.add_argument("--rounds", type=int, help="7; with --against 15")
    parser.add_argument("--seconds", type=float, help="for each case in each round: 2; with --against 1.5")
    options = parser.parse_args()
    compare = options.against is not None
    options.rounds = options.rounds or (15 if compare else 7)
    options.seconds = options.seconds or (1.5 if compare else 2.0)
    if compare:
        against.compare(options.against, options.cases, rounds=options.rounds, seconds=options.seconds)
    else:
        full(options)


if __name__ == "__main__":
    main()
