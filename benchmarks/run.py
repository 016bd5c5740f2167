"""`nox -s bench`: measures Parley against baselines and peers and writes benchmarks/RESULTS.md.

python -m benchmarks.run [--rounds 7] [--seconds 2] [--million 1000000]
"""

import argparse
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from benchmarks import report
from benchmarks.data import MESSAGES, READERS, an_id, copy_for_eve, fill, token
from benchmarks.machine import CONNECTIONS, LOAD_CORE, Server, call, load, request
from benchmarks.servers import ADMIN, everybody, floor, parley
from parley_core.embedded import embedded_mongodb

NEW = {"title": "Engineer", "interview_type": "technical", "scheduled_at": "2027-03-05T09:30:00Z"}
LIST = "/interviews?status=scheduled&sort=-created_at"
Measured = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Reader:
    """An account with its tokens for Parley and for the peers."""

    id: str
    parley: str
    peer: str


@dataclass(frozen=True)
class Case:
    """One thing to measure: requests to a server."""

    name: str
    server: Server
    requests: Sequence[str]
    expected: str = "200"


def accounts(uri: str, database: str) -> tuple[str, list[Reader]]:
    """An administrator's token and the readers, made through the API."""
    with parley(uri, database) as server:
        admin = call(server, "/v1/auth/login", body=ADMIN)["access_token"]
        return admin, [_reader(server, admin, n) for n in range(READERS)]


def _reader(server: Server, admin: str, number: int) -> Reader:
    account = {"email": f"reader-{number}@example.com", "password": f"nine green bottles {number}"}
    user = call(server, "/v1/users", admin, account | {"role": "interviewer"})
    return Reader(user["id"], call(server, "/v1/auth/login", body=account)["access_token"], token(user["id"]))


def cases(servers: Mapping[str, Server], admin: str, readers: Sequence[Reader]) -> Iterator[Case]:
    """What is measured, in the order of a round."""
    yield Case("U bare ASGI", servers["bare"], [request("/")])
    yield Case("F FastAPI, ready bytes", servers["fastapi"], [request(f"/ready/{an_id(2, 0)}")])
    items = [(reader, an_id(2, n)) for n, reader in enumerate([*readers, *readers])]
    for name in ("parley", "uncached"):
        v1, label = "/v1/interviews", "" if name == "parley" else ", cache off"
        yield Case(f"Parley item{label}", servers[name], [request(f"{v1}/{i}", r.parley) for r, i in items])
        yield Case(f"Parley list{label}", servers[name], [request(f"/v1{LIST}", r.parley) for r in readers])
        page = request(f"{v1}/{an_id(2, 0)}/messages", readers[0].parley)
        yield Case(f"Parley messages{label}", servers[name], [page])
    yield Case("Parley create", servers["parley"], [request("/v1/interviews", admin, NEW)], "201")
    for name in ("naive", "eve", "fastify"):
        if name in servers:
            yield from _peer(name, servers[name], items)


def _peer(name: str, server: Server, items: Sequence[tuple[Reader, str]]) -> Iterator[Case]:
    listing = "/interviews?status=scheduled"
    if name == "eve":
        listing = '/interviews?where={"status":"scheduled"}&sort=-created_at&max_results=20'
    new = NEW if name != "eve" else NEW | {"scheduled_at": "Fri, 05 Mar 2027 09:30:00 GMT"}
    yield Case(f"{name} item", server, [request(f"/interviews/{i}", r.peer) for r, i in items])
    yield Case(f"{name} list", server, [request(listing, r.peer) for r, _ in items])
    yield Case(f"{name} create", server, [request("/interviews", items[0][0].peer, new)], "201")


def measure(todo: Sequence[Case], rounds: int, seconds: float, *, connections: int = CONNECTIONS) -> Measured:
    """Each case once in each round, after one round that isn't counted."""
    measured: Measured = defaultdict(list)
    for number in range(rounds + 1):
        for case in todo:
            result = load(case.server, case.requests, seconds=seconds if number else 0.5, connections=connections)
            if set(result["statuses"]) != {case.expected}:
                raise RuntimeError(f"{case.name} answered {result['statuses']}")
            if number:
                measured[case.name].append(result)
    return measured


def commands(database: Database[dict[str, Any]], ask: Callable[[], object], times: int = 20) -> float:
    """How many commands a request makes, by MongoDB's own profiler."""
    database.command("profile", 2)
    try:
        for _ in range(times):
            ask()
    finally:
        database.command("profile", 0)
    made = database["system.profile"].count_documents({"appName": "parley"})
    database["system.profile"].drop()
    return made / times


def count_commands(
    database: Database[dict[str, Any]], servers: Mapping[str, Server], readers: Sequence[Reader]
) -> dict[str, float]:
    """Commands of one request at a time, cached and not."""
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
    """The uncached list of an administrator at two numbers of interviews, and a page of messages at two offsets."""
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


@contextmanager
def mongodb() -> Iterator[str]:
    """A MongoDB of the benchmark's own, on the load's core."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder, embedded_mongodb(Path(folder)) as uri:
        yield uri


def starts(uri: str, rounds: int) -> dict[str, list[float]]:
    """Seconds from the start of a process to its open port: with FastAPI and PyMongo imported, and of Parley."""
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        with everybody_small(uri) as (base, ours):
            taken["floor"].append(base.started_in)
            taken["parley"].append(ours.started_in)
    return taken


@contextmanager
def everybody_small(uri: str) -> Iterator[tuple[Server, Server]]:
    """The floor and Parley, started one after the other."""
    with floor() as one, parley(uri, "bench_start") as two:
        yield one, two


def main() -> None:
    """Runs everything and writes the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--million", type=int, default=1_000_000)
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    with mongodb() as uri, MongoClient[dict[str, Any]](uri) as client:
        database = client["bench"]
        admin, readers = accounts(uri, "bench")
        fill(database, [r.id for r in readers], interviews=1000, messages=MESSAGES)
        copy_for_eve(database)
        with everybody(uri, "bench") as servers:
            counted = count_commands(database, servers, readers)
            sized = scale(
                uri,
                small=servers["uncached"],
                admin=admin,
                readers=readers,
                sizes=(1000, options.million),
                options=options,
            )
            measured = measure(list(cases(servers, admin, readers)), options.rounds, options.seconds)
            memory = {name: servers[name].memory_mb() for name in ("fastapi", "naive", "parley")}
        started = starts(uri, max(3, options.rounds))
    text = report.written(measured, sized, counted, memory, started)
    Path(__file__).with_name("RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
