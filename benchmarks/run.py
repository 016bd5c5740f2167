"""`nox -s bench`: measure Parley against baselines and peers, or against an older commit.

python -m benchmarks.run [--rounds 7] [--seconds 2] [--million 1000000]   writes benchmarks/RESULTS.md
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

from benchmarks import against, report
from benchmarks.cases import INTERVIEWS, LIST, NEW, Case, Reader, accounts, items, reads, writes
from benchmarks.data import MESSAGES, an_id, copy_for_eve, fill
from benchmarks.machine import CONNECTIONS, LOAD_CORE, Server, call, request
from benchmarks.servers import everybody, floor, mongodb, parley

Measured = dict[str, list[dict[str, Any]]]


def cases(servers: Mapping[str, Server], admin: str, readers: Sequence[Reader]) -> Iterator[Case]:
    """Return what is measured, in the order of a round."""
    yield Case("U bare ASGI", servers["bare"], [request("/")])
    yield Case("F FastAPI, ready bytes", servers["fastapi"], [request(f"/ready/{an_id(2, 0)}")])
    for name, label in (("parley", ""), ("uncached", ", cache off")):
        for case in reads(servers[name], readers):
            yield replace(case, name=f"Parley {case.name}{label}")
    create = next(writes(servers["parley"], admin, readers))
    yield replace(create, name=f"Parley {create.name}")
    for name in ("naive", "eve", "fastify"):
        if name in servers:
            yield from _peer(name, servers[name], items(readers))


def _peer(name: str, server: Server, read: Sequence[tuple[Reader, str]]) -> Iterator[Case]:
    listing = "/interviews?status=scheduled"
    if name == "eve":
        listing = '/interviews?where={"status":"scheduled"}&sort=-created_at&max_results=20'
    new = NEW if name != "eve" else NEW | {"scheduled_at": "Fri, 05 Mar 2027 09:30:00 GMT"}
    yield Case(f"{name} item", server, [request(f"/interviews/{i}", r.peer) for r, i in read])
    yield Case(f"{name} list", server, [request(listing, r.peer) for r, _ in read])
    yield Case(f"{name} create", server, [request("/interviews", read[0][0].peer, new)], "201")


def measure(todo: Sequence[Case], rounds: int, seconds: float, *, connections: int = CONNECTIONS) -> Measured:
    """Measure each case once in each round; a first round is not counted."""
    measured: Measured = defaultdict(list)
    for number in range(rounds + 1):
        for case in todo:
            result = case.measure(seconds if number else 0.5, connections=connections)
            if number:
                measured[case.name].append(result)
    return measured


def commands(database: Database[dict[str, Any]], ask: Callable[[], object], times: int = 20) -> float:
    """Return the number of MongoDB commands of one request, counted by MongoDB's profiler, without what runs beside."""
    database.command("profile", 2)
    try:
        for _ in range(times):
            ask()
    finally:
        database.command("profile", 0)
    made = sum(not _runs_beside(entry["command"]) for entry in database["system.profile"].find({"appName": "parley"}))
    database["system.profile"].drop()
    return made / times


def _runs_beside(command: Mapping[str, Any]) -> bool:
    # The relay looks once a second for events that nobody has brought into the log, webhooks for what is active.
    return "history.0.rev" in command.get("filter", {}) or command.get("aggregate") == "webhooks"


def count_commands(
    database: Database[dict[str, Any]], servers: Mapping[str, Server], readers: Sequence[Reader]
) -> dict[str, float]:
    """Return the number of commands of each request, with the cache and without."""
    paths = {"item": f"/v1/interviews/{an_id(2, 0)}", "list": f"/v1{LIST}"}
    paths["messages"] = f"/v1/interviews/{an_id(2, 0)}/messages"
    counted = {}
    for label, name in (("", "parley"), (", cache off", "uncached")):
        for what, path in paths.items():
            call(servers[name], path, readers[0].parley)
            counted[what + label] = commands(database, lambda n=name, p=path: call(servers[n], p, readers[0].parley))  # type: ignore[misc]
    return counted


def scale(
    uri: str, *, small: Server, admin: str, readers: Sequence[Reader], sizes: tuple[int, int], options: Any
) -> Measured:
    """Measure the uncached list at two numbers of interviews, and a page of messages at two offsets."""
    name = "bench_large"
    large_admin, large_readers = accounts(uri, name)
    with MongoClient[dict[str, Any]](uri) as client:
        fill(client[name], [r.id for r in large_readers], interviews=sizes[1])
    with parley(uri, name, "large", PARLEY_CACHE_ENABLED="false") as large:
        log = f"/v1/interviews/{an_id(2, 0)}/messages"
        todo = [
            Case(f"list at {sizes[0]:,}", small, [request("/v1/interviews", admin)]),
            Case(f"list at {sizes[1]:,}", large, [request("/v1/interviews", large_admin)]),
            Case("messages at offset 0", small, [request(log, readers[0].parley)]),
            Case("messages at offset 100,000", small, [request(f"{log}?offset=100000", readers[0].parley)]),
        ]
        return measure(todo, options.rounds, options.seconds, connections=1)


def starts(uri: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds from start to open port, of Parley and of a process that only imports FastAPI and PyMongo."""
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        with everybody_small(uri) as (base, ours):
            taken["floor"].append(base.started_in)
            taken["parley"].append(ours.started_in)
    return taken


@contextmanager
def everybody_small(uri: str) -> Iterator[tuple[Server, Server]]:
    """Start the floor, then Parley."""
    with floor() as one, parley(uri, "bench_start") as two:
        yield one, two


def full(options: argparse.Namespace) -> None:
    """Measure Parley against the baselines and peers and write the report."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with mongodb() as uri, MongoClient[dict[str, Any]](uri) as client:
        database = client["bench"]
        admin, readers = accounts(uri, "bench")
        fill(database, [r.id for r in readers], interviews=INTERVIEWS, messages=MESSAGES)
        copy_for_eve(database)
        with everybody(uri, "bench") as servers:
            counted = count_commands(database, servers, readers)
            sized = scale(
                uri,
                small=servers["uncached"],
                admin=admin,
                readers=readers,
                sizes=(INTERVIEWS, options.million),
                options=options,
            )
            measured = measure(list(cases(servers, admin, readers)), options.rounds, options.seconds)
            memory = {name: servers[name].memory_mb() for name in ("fastapi", "naive", "parley")}
        started = starts(uri, max(3, options.rounds))
    text = report.written(measured, sized, counted, memory, started)
    Path(__file__).with_name("RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--against", metavar="REV", help="compare this working tree with a commit; only print a table")
    parser.add_argument("--cases", nargs="+", choices=against.CASES, default=against.CASES, help="with --against only")
    parser.add_argument("--rounds", type=int, help="7; with --against 15")
    parser.add_argument("--seconds", type=float, help="for each case in each round: 2; with --against 1.5")
    parser.add_argument("--million", type=int, default=1_000_000, help="the number of interviews in a large database")
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
