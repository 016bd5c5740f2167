"""Measure what ten callers whose bodies are refused cost other requests.

    uv run --group test python -m benchmarks.refused

Each caller sends the same body again as soon as it was answered. The bar: the p99 of `/healthz` beside them is at
most 5 times what it is without them, measured in turns of one run, and no answer has more than 8 KB. The callers with
a body of two bytes show what any ten callers cost.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from parley_app.testing import Serving, Start

CALLERS = 10
SECONDS = 3.0
TURNS = 3
RATIO = 5
ROOM = 8 * 1024
_ADMIN = {"PARLEY_ADMIN_EMAIL": "ada@example.com", "PARLEY_ADMIN_PASSWORD": "nine green bottles"}


@dataclass(frozen=True)
class Refused:
    """A request that is refused, as it goes over the wire."""

    path: str
    body: bytes
    token: str = ""

    def encode(self, port: int) -> bytes:
        """Return the request."""
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Content-Type: application/json",
            f"Content-Length: {len(self.body)}",
            *([f"Authorization: Bearer {self.token}"] if self.token else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def keys(count: int) -> bytes:
    """Return an object of so many unknown keys."""
    return json.dumps({f"{number:x}": 1 for number in range(count)}, separators=(",", ":")).encode()


def cases(token: str) -> Mapping[str, Refused]:
    """Return what the callers send, by name."""
    items = json.dumps({"participants": [{f"{n}": 1 for n in range(8)}] * 100}).encode()
    return {
        "two bytes": Refused("/v1/auth/login", b"{}"),
        "65 KB, anonymous": Refused("/v1/auth/login", keys(8250)),
        "4 KB, anonymous": Refused("/v1/auth/login", keys(500)),
        "256 KB, anonymous": Refused("/v1/interviews", keys(29_000)),
        "256 KB, admin": Refused("/v1/interviews", keys(29_000), token),
        "800 errors, admin": Refused("/v1/interviews", items, token),
        "128k numbers, admin": Refused("/v1/interviews", b"[" + b"1," * 128_000 + b"1]", token),
    }


async def one_caller(port: int, request: bytes, until: float, answers: Counter[tuple[int, int]]) -> None:
    """Send the request again and again; count each status with its number of bytes."""
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        # A connection that is closed while its body is still being sent is what a refusal looks like.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while time.monotonic() < until:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(size)
                answers[int(head.split(maxsplit=2)[1]), size] += 1
        writer.close()


def call(port: int, request: bytes) -> Counter[tuple[int, int]]:
    """Run the callers, in a separate process, so that they don't slow the one that measures."""
    answers: Counter[tuple[int, int]] = Counter()

    async def run() -> None:
        until = time.monotonic() + SECONDS
        await asyncio.gather(*(one_caller(port, request, until, answers) for _ in range(CALLERS)))

    asyncio.run(run())
    return answers


def latencies(url: str, seconds: float) -> list[float]:
    """Ask for `/healthz` again and again; return the milliseconds of each answer."""
    found, until = [], time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=30) as client:
        while time.monotonic() < until:
            begun = time.perf_counter()
            client.get("/healthz").raise_for_status()
            found.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.002)
    return found


def p99_of(found: list[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(found, n=100)[98]


def measure(serving: Serving, processes: Executor) -> None:
    """Measure each case in turns with nothing, and print both."""
    login = {"email": _ADMIN["PARLEY_ADMIN_EMAIL"], "password": _ADMIN["PARLEY_ADMIN_PASSWORD"]}
    token = httpx.post(f"{serving.url}/v1/auth/login", json=login, timeout=30).json()["access_token"]
    for name, refused in cases(token).items():
        alone: list[float] = []
        beside: list[float] = []
        answers: Counter[tuple[int, int]] = Counter()
        for _ in range(TURNS):
            alone += latencies(serving.url, SECONDS / 2)
            calling = processes.submit(call, serving.port, refused.encode(serving.port))
            time.sleep(0.3)  # they have connected
            beside += latencies(serving.url, SECONDS / 2)
            answers += calling.result()
        row(name, p99_of(alone), p99_of(beside), answers)


def row(name: str, alone: float, beside: float, answers: Counter[tuple[int, int]]) -> None:
    """Print both p99, what was answered, and whether the bar was kept."""
    rate = sum(answers.values()) / (SECONDS * TURNS)
    statuses, largest = sorted({status for status, _ in answers}), max(size for _, size in answers)
    print(f"{name:<20} p99 {alone:5.1f} ms, beside them {beside:6.1f} ms: {beside / alone:5.1f} times;", end=" ")
    print(f"{rate:.0f}/s answered {statuses} with {largest} bytes;", end=" ")
    print("yes" if beside <= RATIO * alone and largest <= ROOM else "NO")


def main() -> None:
    """Run the benchmark on a new `parley serve`."""
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1) as processes:
        start = Start(Path(folder))
        try:
            measure(start("--data-dir", Path(folder, "data"), **_ADMIN), processes)
        finally:
            start.end_all()


if __name__ == "__main__":
    main()
