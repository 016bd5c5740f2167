"""Measure the log: `python -m benchmarks.log [--million 1000000]`.

It starts an embedded MongoDB, and workers on Unix sockets in a temporary directory. What is compared is measured in
turn in the same run. It prints medians. The absolute figures depend on the machine, the ratios do not.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from benchmarks import log_data, log_lag
from benchmarks.data import an_id
from benchmarks.messages import DATABASE, application
from benchmarks.worker import Worker, connected
from parley_auth.testing import Account, an_account
from parley_core import EventLog, LogFilter, new_id
from parley_core.data.database import database_of, open_client
from parley_core.data.indexes import ensure_indexes
from parley_core.declarations import Declared
from parley_core.embedded import EmbeddedMongoDB
from parley_core.log.reader import INDEXES
from parley_core.log.relay import Relay
from parley_interviews.testing import an_interview

READS, WRITES, PAGE = 300, 200, 100
# As many as one of ten actors has in the half of the small log.
LOG_PAGE = 50
SMALL, CHANGES = 1000, 10_000
OLD, REVISIONS = 1000, 20
Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Stage:
    """A database that workers serve, and an administrator."""

    client: AsyncMongoClient[dict[str, Any]]
    admin: Account
    workers: list[Worker]

    @property
    def database(self) -> log_data.AnyDatabase:
        """The database."""
        return self.client[DATABASE]

    def log(self, name: str = DATABASE) -> EventLog:
        """Return the log of a database, by a handle that doesn't relay."""
        return EventLog(database_of(self.client, name, event_types={}, recorded=(), invalidations={}))


def an_interview_document() -> dict[str, Any]:
    """Return an interview's document without its history."""
    return {"_id": new_id(), "status": "scheduled", "participants": [], **an_interview(scheduled_at=log_data.BEGIN)}


async def in_turn(works: Mapping[str, Work], times: int) -> dict[str, float]:
    """Return the median milliseconds of each work; they are done in turn."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            before = time.perf_counter()
            await work()
            taken[name].append((time.perf_counter() - before) * 1000)
    return {name: statistics.median(found) for name, found in taken.items()}


def bar(what: str, value: float, *, at_most: float) -> None:
    """Print a value and whether it meets its bar."""
    print(f"  {what}: {value:.2f} (at most {at_most:g}: {'met' if value <= at_most else 'MISSED'})")


async def measure_sizes(stage: Stage, large: int) -> None:
    """Measure pages of a small and of a large log, with each filter."""
    print(f"\nA page of {LOG_PAGE} entries of a log of {large:,} entries, against one of {SMALL:,}; from the middle on")
    logs = {}
    for name, entries in (("small", SMALL), ("large", large)):
        database = stage.client[f"log_{name}"]
        await ensure_indexes(database, [Declared("core", INDEXES)])
        await log_data.fill(database, entries)
        logs[name] = (stage.log(database.name), entries // 2)
    for what, where in _filters():
        works = {name: _page(log, middle, where(middle)) for name, (log, middle) in logs.items()}
        taken = await in_turn(works, READS)
        print(f"  {what}: {taken['large']:.2f} / {taken['small']:.2f} ms")
        bar(f"{what}, ratio", taken["large"] / taken["small"], at_most=1.2)
    log, middle = logs["large"]
    taken = await in_turn({"empty": _page(log, middle * 2, LogFilter())}, READS)
    bar("ms of a poll that finds nothing", taken["empty"], at_most=2)


def _page(log: EventLog, after: int, where: LogFilter) -> Work:
    return lambda: log.after(after, limit=LOG_PAGE, where=where)


def _filters() -> list[tuple[str, Callable[[int], LogFilter]]]:
    def since(middle: int) -> LogFilter:
        return LogFilter(since=log_data.BEGIN + timedelta(seconds=middle + 100))

    def subject(middle: int) -> LogFilter:
        return LogFilter(subject_id=an_id(4, middle // log_data.OF_EACH))

    return [
        ("no filter", lambda _: LogFilter()),
        ("one type of two", lambda _: LogFilter(types=("interview.updated",))),
        ("one subject", subject),
        ("one actor of ten", lambda _: LogFilter(actor=an_id(5, 3))),
        ("since an instant", since),
    ]


async def measure_history(stage: Stage) -> None:
    """Measure an interview of many changes: pages of its history, and a write against one of a fresh interview."""
    long, fresh = an_interview_document(), an_interview_document()
    await log_data.add_history(stage.database, long, CHANGES)
    await log_data.add_history(stage.database, fresh, 1)
    print(f"\nAn interview of {CHANGES:,} changes")
    async with connected(stage.workers[0], stage.admin) as connection:

        def page(offset: int) -> Work:
            path = f"/v1/interviews/{long['_id']}/history?limit={PAGE}&offset={offset}"
            return lambda: _checked(connection.request("GET", path))

        def change(interview_id: str) -> Work:
            path = f"/v1/interviews/{interview_id}"
            return lambda: _checked(connection.request("PATCH", path, json.dumps({"location": new_id()}).encode()))

        pages = await in_turn({"first": page(0), "last": page(CHANGES - PAGE)}, READS)
        writes = await in_turn({"long": change(long["_id"]), "fresh": change(fresh["_id"])}, WRITES)
    bar(f"history at offset {CHANGES - PAGE:,} / 0", pages["last"] / pages["first"], at_most=1.2)
    bar("a write / a write of a fresh one", writes["long"] / writes["fresh"], at_most=1.2)


async def _checked(answering: Awaitable[tuple[int, bytes]]) -> None:
    status, answer = await answering
    assert status == 200, answer  # noqa: PLR2004


async def measure_lag(stage: Stage) -> None:
    """Measure how long changes take into the log, with one worker and with all."""
    print(f"\nFrom acknowledgement into the log, at {log_lag.RATE} changes a second of 50 interviews")
    interviews = [an_interview_document() for _ in range(50)]
    for interview in interviews:
        await log_data.add_history(stage.database, interview, 1)
    paths = [f"/v1/interviews/{interview['_id']}" for interview in interviews]
    for workers in (stage.workers[:1], stage.workers):
        lags = await log_lag.lags_of(stage.log(), workers, stage.admin, paths)
        p50, p99 = lags[len(lags) // 2], lags[len(lags) * 99 // 100]
        print(f"  {len(workers)} written to, {len(stage.workers)} running: p50 {p50 * 1000:.0f} ms")
        bar("p99 in s", p99, at_most=0.5)


async def measure_drain(uri: str) -> None:
    """Measure how fast histories of before there was a log are brought into it."""
    app = application(uri, "log_drain")
    async with app.router.lifespan_context(app):
        parley = app.state.parley
        interviews = [an_interview_document() for _ in range(OLD)]
        await log_data.add_unrelayed(parley.database, interviews, REVISIONS)
        begun = time.perf_counter()
        await parley.require(Relay).drain()
        rate = OLD * REVISIONS / (time.perf_counter() - begun)
    print(f"\n{OLD * REVISIONS:,} changes of before there was a log, by one worker")
    print(f"  {rate:,.0f} a second (at least 3,000: {'met' if rate >= 3000 else 'MISSED'})")  # noqa: PLR2004


async def measure(uri: str, folder: Path, *, large: int) -> None:
    """Measure everything."""
    app = application(uri)
    async with app.router.lifespan_context(app):
        admin = await an_account(app, "admin")
    await measure_drain(uri)
    opened = open_client(uri, database=DATABASE, timeout_seconds=60, pool_size=8)
    async with opened as client, AsyncExitStack() as stack:
        workers = [stack.enter_context(closing(Worker(uri, folder, name=f"worker-{n}-"))) for n in range(3)]
        await asyncio.gather(*(worker.ready() for worker in workers))
        stage = Stage(client, admin, workers)
        await measure_lag(stage)
        await measure_history(stage)
        await measure_sizes(stage, large)


def main() -> None:
    """Measure on a temporary database."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--million", type=int, default=1_000_000, help="the number of entries in a large log")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedMongoDB.start(Path(name, "data")) as mongodb:
        asyncio.run(measure(mongodb.uri, Path(name), large=options.million))


if __name__ == "__main__":
    main()
