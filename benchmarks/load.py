"""A load generator: it keeps some connections busy for some seconds and prints the results as JSON.

    python -m benchmarks.load PORT CONNECTIONS SECONDS < requests.json

The requests are a JSON array of whole HTTP requests. They go to 127.0.0.1 only. Each connection sends its own share of
them in turn: of 32 connections the first sends the requests 0, 32, 64 and so on.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from functools import partial
from typing import Any, cast

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
# In a request this text becomes another one of the same length each time that the request is sent.
UNIQUE = "<unique-per-req>"
# Where the machine is busy, the first answer may take longer than the measurement.
_FIRST_SECONDS, _LOOKS_SECONDS = 20, 0.05
_UNIQUE = UNIQUE.encode()


class Connection(asyncio.Protocol):
    """Sends one request after the other, each when the one before it is answered."""

    def __init__(self, requests: list[bytes], first: int, step: int, results: "Results") -> None:
        self._requests = requests
        self._next = first
        self._step = step
        self._results = results
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        request = self._requests[self._next % len(self._requests)]
        if _UNIQUE in request:
            request = request.replace(_UNIQUE, b"%016d" % (time.time_ns() // 1000))
        self._sent_at = time.perf_counter()
        self._transport.write(request)
        self._next += self._step

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(END_OF_HEAD)
        if end < 0 or len(self._received) < end + len(END_OF_HEAD) + _length(self._received[:end]):
            return
        self._results.took.append(time.perf_counter() - self._sent_at)
        self._results.statuses[self._received[9:12].decode()] += 1
        self._received = b""
        if self._results.going_on:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._results.going_on:
            self._results.statuses["lost"] += 1


class Results:
    """The answers so far."""

    def __init__(self) -> None:
        self.going_on = True
        self.took: list[float] = []
        self.statuses: Counter[str] = Counter()

    def summary(self, seconds: float) -> dict[str, Any]:
        """Return requests per second, latencies in milliseconds, and the count of each status."""
        took = sorted(self.took)
        at = {f"p{p}_ms": took[min(len(took) - 1, len(took) * p // 100)] * 1000 for p in (50, 99)} if took else {}
        return {"per_second": len(took) / seconds, "requests": len(took), "statuses": self.statuses, **at}


def _length(head: bytes) -> int:
    at = head.lower().find(LENGTH)
    return int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def run(port: int, connections: int, seconds: float, requests: list[bytes]) -> dict[str, Any]:
    """Load the server at a port of 127.0.0.1."""
    results, loop = Results(), asyncio.get_running_loop()
    opened = []
    for n in range(connections):
        transport, _ = await loop.create_connection(
            partial(Connection, requests, n, connections, results), "127.0.0.1", port
        )
        opened.append(transport)
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    while not results.took and time.perf_counter() < started + _FIRST_SECONDS:  # noqa: ASYNC110 - seldom, and bounded
        await asyncio.sleep(_LOOKS_SECONDS)
    results.going_on = False
    summary = results.summary(time.perf_counter() - started)
    for transport in opened:
        transport.close()
    return summary


def main() -> None:
    """Read the requests from standard input and print the results."""
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    requests = [text.encode() for text in json.load(sys.stdin)]
    print(json.dumps(asyncio.run(run(port, connections, seconds, requests))))


if __name__ == "__main__":
    import uvloop

    uvloop.install()
    main()
