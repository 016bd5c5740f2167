"""What the message log does in a second: `python benchmarks/messages.py`.

Starts an embedded MongoDB and workers of its own, on Unix sockets in a directory of its own. Appending is measured
against a transaction for each message in the same run, in alternating rounds; the medians are printed. Absolute
figures are the machine's, ratios hold.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from parley_app import create_app
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import in_transaction, new_id
from parley_core.data.database import Session
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings
from parley_interviews.testing import an_interview
from parley_messaging.log import batches
from parley_messaging.log.repository import MessageRepository
from parley_messaging.models import Draft

ROUNDS, SECONDS, CONNECTIONS = 5, 3.0, 32
STREAMS, LENGTH, READS = 500, 200_000, 150
DATABASE = "benchmark"
GROUPED, EACH = 256, 1


def application(uri: str) -> FastAPI:
    """The application on the benchmark's database."""
    core = CoreSettings(mongodb_uri=uri, mongodb_database=DATABASE)  # type: ignore[arg-type]
    return create_app([core, auth_settings()])


class Worker:
    """A serving process; with `largest` 1 it commits a transaction for each message, one after the other."""

    def __init__(self, uri: str, folder: Path, *, largest: int) -> None:
        self.socket = str(folder / f"{largest}.sock")
        command = [sys.executable, __file__, "serve", uri, self.socket, str(largest)]
        self._process = subprocess.Popen(command)

    async def ready(self) -> None:
        """Returns when it takes connections."""
        for _ in range(1000):
            if os.path.exists(self.socket):  # noqa: ASYNC240, PTH110 - nothing else runs yet
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(self.socket)

    @property
    def megabytes(self) -> float:
        """The memory that it holds."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Stops it."""
        self._process.terminate()
        self._process.wait(30)


def serve(uri: str, socket: str, largest: str) -> None:
    """The worker's side of `Worker`."""
    batches.LARGEST = int(largest)
    uvicorn.run(application(uri), uds=socket, log_level="error", access_log=False)


class Connection:
    """A kept connection of a client that costs little: the machine's cores are the server's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, member: Account) -> None:
        self._reader = reader
        self._writer = writer
        self._headers = f"Host: x\r\nAuthorization: {member.headers['Authorization']}\r\n"

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of an answer."""
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._headers}{length}\r\n".encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        return int(head[9:12]), await self._reader.readexactly(size)


@asynccontextmanager
async def connected(worker: Worker, member: Account) -> AsyncIterator[Connection]:
    """A connection to a worker."""
    reader, writer = await asyncio.open_unix_connection(worker.socket)
    try:
        yield Connection(reader, writer, member)
    finally:
        writer.close()


@dataclass(frozen=True)
class Rate:
    """What a round has come to."""

    per_second: float
    p99_ms: float


async def rate_of(clients: int, act: Callable[[int], Awaitable[object]]) -> Rate:
    """How often clients act in a second when each acts again as soon as it is answered."""
    times: list[float] = []
    begin = time.perf_counter()

    async def one(number: int) -> None:
        while (before := time.perf_counter()) < begin + SECONDS:
            await act(number)
            times.append(time.perf_counter() - before)

    await asyncio.gather(*(one(number) for number in range(clients)))
    times.sort()
    return Rate(len(times) / (time.perf_counter() - begin), times[int(len(times) * 0.99)] * 1000)


def told(what: str, rounds: dict[str, list[Rate]]) -> None:
    """Prints the medians of alternating rounds, the last of which are the baseline's."""
    print(f"\n{what}")
    middle = {name: statistics.median(r.per_second for r in rates) for name, rates in rounds.items()}
    *_, baseline = middle.values()
    for name, rates in rounds.items():
        p99 = statistics.median(r.p99_ms for r in rates)
        print(f"  {name:24} {middle[name]:8.0f}/s  p99 {p99:7.1f} ms  x {middle[name] / baseline:.1f}")


@dataclass(frozen=True)
class Stage:
    """The application in this process, a member, and a way to new interviews."""

    app: FastAPI
    member: Account

    async def interview(self) -> str:
        """A new interview in which the member takes part."""
        interview_id = new_id()
        parts = [{"user_id": self.member.id, "participant_role": "candidate"}]
        document = {"_id": interview_id, "status": "ongoing", "rev": 1, "participants": parts, **an_interview()}
        await self.app.state.parley.database["interviews"].insert_one(document)
        return interview_id


async def measure_transactions(stage: Stage) -> None:
    """What MongoDB does by itself: grouped transactions and one for each message, all at once, without any HTTP."""
    parley = stage.app.state.parley
    repository = MessageRepository(parley.database)
    rounds: dict[str, list[Rate]] = {"32 in a transaction": [], "one each, at once": []}

    async def append(count: int, interview_id: str, _client: int) -> None:
        async def work(session: Session) -> None:
            where = {"_id": interview_id, "status": "ongoing"}
            await parley.database["interviews"].update_one(where, {"$inc": {"holds": 1}}, session=session)
            drafts = [Draft(stage.member.id, "Hello") for _ in range(count)]
            await repository.append(interview_id, drafts, at=parley.clock(), session=session)

        await in_transaction(parley.client, work)

    for _ in range(ROUNDS):
        for name, count, clients in (("32 in a transaction", 32, 1), ("one each, at once", 1, 32)):
            interview_id = await stage.interview()
            rate = await rate_of(clients, partial(append, count, interview_id))
            rounds[name].append(Rate(rate.per_second * count, rate.p99_ms))
    told("Transactions on one interview, without HTTP", rounds)


async def measure_posts(stage: Stage, workers: dict[str, Worker]) -> None:
    """Posts to one interview through one worker."""
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
    told(f"Posts over HTTP to one interview, one worker, {CONNECTIONS} clients, w=majority", rounds)


async def measure_streams(stage: Stage, worker: Worker) -> None:
    """What idle streams cost a worker."""
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
    """A page in the middle of a long log against the first one."""
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
    """Writes a long log straight into the database."""
    database, now = stage.app.state.parley.database, stage.app.state.parley.clock()
    common = {"interview_id": interview_id, "sender_id": stage.member.id, "content": "Hello", "created_at": now}
    for begin in range(1, LENGTH + 1, 5000):
        documents = [{"_id": new_id(), "seq": seq, **common} for seq in range(begin, begin + 5000)]
        await database["messages"].insert_many(documents)
    await database["message_logs"].insert_one({"_id": interview_id, "last_seq": LENGTH})


async def measure(uri: str, folder: Path) -> None:
    """All of it."""
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
    """Measures, on a database that is gone afterwards."""
    with tempfile.TemporaryDirectory() as name, EmbeddedMongoDB.start(Path(name, "data")) as mongodb:
        asyncio.run(measure(mongodb.uri, Path(name)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main()
