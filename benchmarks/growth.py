"""How latencies grow with the data: the same requests to databases of three sizes, one connection each."""

import http.client
import itertools
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.bars import GROWTH, at_most
from benchmarks.data import an_id
from benchmarks.growth_data import Grown, grow, sizes
from benchmarks.machine import Server
from benchmarks.report import shown
from benchmarks.servers import parley
from benchmarks.stage import Stage

REQUESTS = 20
_V1 = "/v1/interviews"
_FILTERS = {"status": "status=scheduled", "two filters": "status=scheduled&interview_type=hr", "q": "q=engineer"}


@dataclass(frozen=True)
class Kind:
    """A kind of request: its path the nth time; whether an administrator sends it, and after a change."""

    name: str
    path: Callable[[Grown, int], str]
    is_admin: bool = True
    body: dict[str, str] | None = None
    is_first: bool = False


UNCACHED = [
    Kind("item", lambda _, n: f"{_V1}/{an_id(2, n % 40 * 20)}", is_admin=False),
    Kind("list", lambda *_: f"{_V1}?status=scheduled", is_admin=False),
    Kind("list of an administrator", lambda *_: _V1),
    Kind("messages, from the middle on", lambda g, _: f"{_log(g)}?offset={g.size.messages // 2}", is_admin=False),
    Kind("history", lambda g, n: f"{_V1}/{an_id(2, n * 7 % (g.size.messages // 50))}/history"),
    Kind("events, from the middle on", lambda g, n: f"/v1/events?after={g.first + g.size.messages // 2 + n}"),
    Kind("users", lambda *_: "/v1/users"),
    Kind("post", lambda g, _: _log(g), is_admin=False, body={"content": "Hello"}),
]


def _log(_grown: Grown) -> str:
    return f"{_V1}/{an_id(2, 0)}/messages"


def _filtered(name: str, query: str) -> Iterator[Kind]:
    yield Kind(f"{name}, first page of a generation", lambda *_: f"{_V1}?{query}", is_first=True)
    # Each page once, so that none comes from the cache.
    yield Kind(f"{name}, another page", lambda _, n: f"{_V1}?{query}&offset={20 + n}")
    yield Kind(f"{name}, another order", lambda _, n: f"{_V1}?{query}&sort=created_at&offset={20 + n}")


CACHED = [kind for name, query in _FILTERS.items() for kind in _filtered(name, query)]


class Client:
    """A connection to a server, on which requests to one database are timed."""

    def __init__(self, server: Server, grown: Grown) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._grown = grown
        self._numbers = itertools.count()

    def median_of(self, kind: Kind) -> float:
        """Return the median milliseconds of some requests."""
        # The server has closed the connection while larger databases were measured.
        self._connection.close()
        return statistics.median(self._milliseconds(kind) for _ in range(REQUESTS))

    def _milliseconds(self, kind: Kind) -> float:
        number = next(self._numbers)
        if kind.is_first:
            change = {"description": f"Change {number}"}
            self._ask("PATCH", f"{_V1}/{an_id(2, 1)}", self._grown.admin, change)
        path = kind.path(self._grown, number)
        token = self._grown.admin if kind.is_admin else self._grown.reader.parley
        before = time.perf_counter()
        self._ask("POST" if kind.body else "GET", path, token, kind.body)
        return (time.perf_counter() - before) * 1000

    def _ask(self, method: str, path: str, token: str, body: dict[str, str] | None) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 201), (path, content)


def table(stage: Stage) -> Iterator[str]:
    """Fill the databases, measure them in alternating rounds, and write the table."""
    found = sizes(stage.options.million)
    all_grown = [grow(stage.uri, stage.database.client, size) for size in found]
    yield from ("", "| size | interviews | messages | events | accounts |", "|---|---|---|---|---|")
    for name, s in zip("SML", found, strict=True):
        yield f"| {name} | {s.interviews:,} | {s.messages:,} | {s.messages:,} | {s.accounts:,} |"
    yield from (
        "",
        "| one connection | p50 ms at S | at M | at L | L / S | range | bar |",
        "|---|---|---|---|---|---|---|",
    )
    for is_cached, kinds in ((False, UNCACHED), (True, CACHED)):
        for kind, rounds in _measured(stage, all_grown, kinds, is_cached=is_cached).items():
            name = kind if is_cached else f"{kind}, cache off"
            yield f"| {name} | {_cells(rounds)} | {at_most(_ratios(rounds), GROWTH.get(kind))} |"


def _measured(
    stage: Stage, all_grown: Sequence[Grown], kinds: Sequence[Kind], *, is_cached: bool
) -> dict[str, list[list[float]]]:
    taken: dict[str, list[list[float]]] = defaultdict(list)
    more: dict[str, Any] = {} if is_cached else {"PARLEY_CACHE_ENABLED": "false"}
    with ExitStack() as stack:
        clients = [Client(stack.enter_context(parley(stage.uri, one.name, **more)), one) for one in all_grown]
        for number in range(stage.options.rounds + 1):
            for kind in kinds:
                medians = [client.median_of(kind) for client in clients]
                if number:
                    taken[kind.name].append(medians)
    return taken


def _ratios(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [medians[-1] / medians[0] for medians in rounds]


def _cells(rounds: Sequence[Sequence[float]]) -> str:
    medians = " | ".join(f"{statistics.median(of_size):.2f}" for of_size in zip(*rounds, strict=True))
    return f"{medians} | {shown(_ratios(rounds))}"
