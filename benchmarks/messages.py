"""Measure the message log: `python -m benchmarks.messages`.

It starts an embedded MongoDB and workers on Unix sockets in a temporary directory. Grouped appends are compared with
one transaction for each message, in alternating rounds of the same run. It prints medians. The absolute figures depend
on the machine, the ratios do not.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from benchmarks.worker import Connection, Worker, connected
from parley_app import create_app
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Session, in_transaction, new_id
from parley_core.data import batches
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings
from parley_interviews.testing import an_interview
from parley_messaging.log.repository import MessageRepository
from parley_messaging.models import Draft
from parley_messaging.settings import MessagingSettings

ROUNDS, SECONDS, CONNECTIONS = 5, 3.0, 32
STREAMS, LENGTH, READS = 500, 200_000, 150
DATABASE = "benchmark"
GROUPED, EACH = 256, 1


def application(uri: str, database: str = DATABASE) -> FastAPI:
    """Return the application on a database of the benchmark."""
    core = CoreSettings(mongodb_uri=uri, mongodb_database=database, streams_per_user=0)  # type: ignore[arg-type]
    return create_app([core, auth_settings(), MessagingSettings(messages_per_minute=0, message_bytes_per_minute=0)])


def serve(uri: str, socket: str, largest: str) -> None:
    """Serve, as the process that `Worker` starts."""
    batches.LARGEST = int(largest)
    uvicorn.run(application(uri), uds=socket, log_level="error", access_log=False)


@dataclass(frozen=True)
class Rate:
    """The result of a round."""

    per_second: float
    p99_ms: float


async def rate_of(clients: int, act: Callable[[int], Awaitable[object]]) -> Rate:
    """Measure how often clients act in a second when each acts again as soon as it is answered."""
    times: list[float] = []
    begin = time.perf_counter()

    async def one(number: int) -> None:
        while (before := time.perf_counter()) < begin + SECONDS:
            await act(number)
            times.append(time.perf_counter() - before)

    await asyncio.gather(*(one(number) for number in range(clients)))
    times.sort()
    return Rate(len(times) / (time.perf_counter() - begin), times[int(len(times) * 0.99)] * 1000)


def report(what: str, rounds: dict[str, list[Rate]]) -> None:
    """Print the medians of alternating rounds; the last name is the baseline."""
    print(f"\n{what}")
    middle = {name: statistics.median(r.per_second for r in rates) for name, rates in rounds.items()}
    *_, baseline = middle.values()
    for name, rates in rounds.items():
        p99 = statistics.median(r.p99_ms for r in rates)
        print(f"  {name:24} {middle[name]:8.0f}/s  p99 {p99:7.1f} ms  x {middle[name] / baseline:.1f}")


@dataclass(frozen=True)
class Stage:
    """The application in this process, and a member who takes part in its interviews."""

    app: FastAPI
    member: Account

    async def interview(self) -> str:
        """Create an interview in which the member takes part."""
        interview_id = new_id()
        parts = [{"user_id": self.member.id, "participant_role": "candidate"}]
        document = {"_id": interview_id, "status": "ongoing", "rev": 1, "participants": parts, **an_interview()}
        await self.app.state.parley.database["interviews"].insert_one(document)
        return interview_id


async def measure_transactions(stage: Stage) -> None:
    """Measure MongoDB without HTTP: grouped transactions, and one for each message, all at once."""
    parley = stage.app.state.parley
    repository = MessageRepository(parley.database)
    rounds: dict[str, list[Rate]] = {"32 in a transaction": [], "one each, at once": []}

    async def append(count: int, interview_id: str, _client: int) -> None:
        async def work(session: Session) -> None:
            where = {"_id": interview_id, "status": "ongoing"}
            await parley.database["interviews"].update_one(where, {"$inc": {"holds": 1}}, session=session)
            sender = stage.member.id
            drafts = [Draft(sender, "Hello", sender_role="candidate", request_id="bench") for _ in range(count)]
            await repository.append(interview_id, drafts, at=parley.clock(), session=session)

        await in_transaction(parley.client, work)

    for _ in range(ROUNDS):
        for name, count, clients in (("32 in a transaction", 32, 1), ("one each, at once", 1, 32)):
            interview_id = await stage.interview()
            rate = await rate_of(clients, partial(append, count, interview_id))
            rounds[name].append(Rate(rate.per_second * count, rate.p99_ms))
    report("Transactions on one interview, without HTTP", rounds)


async def measure_posts(stage: Stage, workers: dict[str, Worker]) -> None:
    """Measure posts to one interview through one worker."""
    rounds: dict[str, list[Rate]] = {name: [] for name in workers}
    body = json.dumps({"content": "Shall we begin with the cache?"}).encode()
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            path = f"/v1/interviews/{await stage.interview()}/messages"
            async with AsyncExitStack() as stack:
                opened = [await stack.enter_async_context(connected(worker, stage.member)) for _ in range(CONNECTIONS)]

                async def post(number: int, path: str = path, opened: list[Connection] = opened) -> None:
                    status, answer = await opened[number].request("POST", path, body)
                    assert status == 201, answer  # noqa: PLR2004

                rounds[name].append(await rate_of(CONNECTIONS, post))
    report(f"Posts over HTTP to one interview, one worker, {CONNECTIONS} clients, w=majority", rounds)


async def measure_streams(stage: Stage, worker: Worker) -> None:
    """Measure what idle streams cost a worker."""
    path = f"/v1/interviews/{await stage.interview()}/messages/stream"
    before = worker.megabytes
    async with AsyncExitStack() as stack:
        for _ in range(STREAMS):
            connection = await stack.enter_async_context(connected(worker, stage.member))
            status, _ = await connection.request("GET", path)
            assert status == 200  # noqa: PLR2004
        await asyncio.sleep(2)
        used, cpu, begin = worker.megabytes - before, worker.cpu_seconds, time.perf_counter()
        await asyncio.sleep(32)
        share = (worker.cpu_seconds - cpu) / (time.perf_counter() - begin)
        grown = worker.megabytes - before
    print(f"\n{STREAMS} idle streams on one worker")
    print(f"  memory {used:.1f} MB more, after two heartbeats {grown:.1f} MB; {share:.1%} of a core")


async def measure_pages(stage: Stage, worker: Worker) -> None:
    """Measure a page in the middle of a long log against the first page."""
    interview_id = await stage.interview()
    await fill(stage, interview_id)
    path = f"/v1/interviews/{interview_id}/messages?limit=20&offset="
    times: dict[int, list[float]] = {0: [], LENGTH // 2: []}
    async with connected(worker, stage.member) as connection:
        for _ in range(READS):
            for offset, taken in times.items():
                before = time.perf_counter()
                status, answer = await connection.request("GET", f"{path}{offset}")
                taken.append(time.perf_counter() - before)
                assert (status, json.loads(answer)["items"][0]["seq"]) == (200, offset + 1)
    first, middle = (statistics.median(taken) * 1000 for taken in times.values())
    print(f"\nA page of a log of {LENGTH:,} messages")
    print(f"  first {first:.2f} ms, at offset {LENGTH // 2:,} {middle:.2f} ms: x {middle / first:.2f}")


async def fill(stage: Stage, interview_id: str) -> None:
    """Write a long log directly into the database."""
    database, now = stage.app.state.parley.database, stage.app.state.parley.clock()
    common = {"log_id": interview_id, "sender_id": stage.member.id, "content": "Hello", "created_at": now}
    for begin in range(1, LENGTH + 1, 5000):
        documents = [{"_id": new_id(), "seq": seq, **common} for seq in range(begin, begin + 5000)]
        await database["messages"].insert_many(documents)
    await database["message_logs"].insert_one({"_id": interview_id, "last_seq": LENGTH})


async def measure(uri: str, folder: Path) -> None:
    """Measure everything."""
    app = application(uri)
    async with app.router.lifespan_context(app), AsyncExitStack() as stack:
        stage = Stage(app, await an_account(app))
        kinds = {"grouped": GROUPED, "a transaction each": EACH}
        workers = {name: stack.enter_context(closing(Worker(uri, folder, largest=n))) for name, n in kinds.items()}
        await asyncio.gather(*(worker.ready() for worker in workers.values()))
        await measure_streams(stage, workers["grouped"])
        await measure_pages(stage, workers["grouped"])
        await measure_posts(stage, workers)
        await measure_transactions(stage)


def main() -> None:
    """Measure on a temporary database."""
    with tempfile.TemporaryDirectory() as name, EmbeddedMongoDB.start(Path(name, "data")) as mongodb:
        asyncio.run(measure(mongodb.uri, Path(name)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main()
