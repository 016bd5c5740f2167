"""Measure what 100 concurrent logins cost other requests, and what a flood of registrations costs logins.

    uv run --group test python -m benchmarks.logins

The bars: the p99 of other requests stays under 100 ms, and a login that finds the queue full gets 503 with
`Retry-After`. Beside a flood of registrations the p99 of logins is at most 3 times what it is without; both are
measured in turns of one run.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from pathlib import Path

import httpx

from parley_app.testing import Serving, Start

LOGINS = 100
SECONDS = 6.0
BAR = 100  # ms
REGISTRATIONS = 70  # at once, a little more than may queue
TURNS = 4
RATIO = 3
PASSWORD = "nine green bottles"


def accounts() -> list[dict[str, str]]:
    """Return the credentials of the accounts."""
    return [{"email": f"ada{number}@example.com", "password": PASSWORD} for number in range(LOGINS)]


async def register(url: str) -> str:
    """Register the accounts; return an access token of the first."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        for account in accounts():
            (await client.post("/v1/auth/register", json=account)).raise_for_status()
            # No more than 50 accounts of one network may log in for the first time at once.
            (await client.post("/v1/auth/login", json=account)).raise_for_status()
        return str((await client.post("/v1/auth/login", json=accounts()[0])).json()["access_token"])


Bodies = Callable[[], dict[str, str]]


async def keep_posting(url: str, path: str, senders: list[Bodies]) -> Counter[str]:
    """Post with all senders at once, again and again; return how often each status was answered."""
    statuses: Counter[str] = Counter()
    until = time.monotonic() + SECONDS

    async def one(client: httpx.AsyncClient, body: Bodies) -> None:
        while time.monotonic() < until:
            answer = await client.post(path, json=body())
            retry = ", Retry-After" if "Retry-After" in answer.headers else ""
            statuses[f"{answer.status_code}{retry}"] += 1
            await asyncio.sleep(0 if answer.is_success else 0.5)

    limits = httpx.Limits(max_connections=len(senders))
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        await asyncio.gather(*(one(client, body) for body in senders))
    return statuses


def load(url: str) -> Counter[str]:
    """Run the logins, in a separate process, so that their client does not slow the one that measures."""
    senders: list[Bodies] = [partial(dict, account) for account in accounts()]
    return asyncio.run(keep_posting(url, "/v1/auth/login", senders))


def flood(url: str, turn: int) -> Counter[str]:
    """Register one new account after the other from many connections, in a separate process."""
    numbers = itertools.count()

    def body() -> dict[str, str]:
        return {"email": f"eve{turn}-{next(numbers)}@example.com", "password": PASSWORD}

    return asyncio.run(keep_posting(url, "/v1/auth/register", [body] * REGISTRATIONS))


def latencies(url: str, token: str) -> list[float]:
    """Send one request after the other for some seconds; return the milliseconds of each."""
    found, until = [], time.monotonic() + SECONDS
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        while time.monotonic() < until:
            begun = time.perf_counter()
            client.get("/v1/users/me").raise_for_status()
            found.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.005)
    return found


def login_latencies(url: str, seconds: float, statuses: Counter[int]) -> list[float]:
    """Log in again and again; return the milliseconds of each login, and count each status."""
    found: list[float] = []
    until = time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=30) as client:
        for account in itertools.cycle(accounts()):
            if time.monotonic() > until:
                return found
            begun = time.perf_counter()
            statuses[client.post("/v1/auth/login", json=account).status_code] += 1
            found.append((time.perf_counter() - begun) * 1000)
    return found


def row(name: str, found: list[float]) -> tuple[float, float]:
    """Print and return median and p99."""
    median, p99 = statistics.median(found), statistics.quantiles(found, n=100)[98]
    print(f"{name:<24} {len(found):>6} requests   median {median:7.1f} ms   p99 {p99:7.1f} ms")
    return median, p99


def measure(serving: Serving, processes: Executor) -> None:
    """Measure without logins, then with them, and print both."""
    token = asyncio.run(register(serving.url))
    _, alone = row("alone", latencies(serving.url, token))
    logins = processes.submit(load, serving.url)
    _, beside = row(f"with {LOGINS} logins", latencies(serving.url, token))
    print(f"p99 with logins / alone: {beside / alone:.1f}; logins answered: {dict(logins.result())}")
    print(f"p99 under {BAR} ms: {'yes' if beside < BAR else 'NO'}")


def measure_registrations(serving: Serving, processes: Executor) -> None:
    """Measure logins alone and beside a flood of registrations in turns, and print both."""
    alone: list[float] = []
    beside: list[float] = []
    answered: Counter[str] = Counter()
    logins: Counter[int] = Counter()
    for turn in range(TURNS):
        alone += login_latencies(serving.url, SECONDS - 1, logins)
        flooding = processes.submit(flood, serving.url, turn)
        time.sleep(1)  # the queue fills
        beside += login_latencies(serving.url, SECONDS - 1, logins)
        answered += flooding.result()
    _, p99 = row("logins alone", alone)
    _, p99_beside = row("beside registrations", beside)
    print(f"p99 beside registrations / alone: {p99_beside / p99:.1f}")
    print(f"registrations answered: {dict(answered)}; logins: {dict(logins)}")
    kept = p99_beside <= RATIO * p99 and logins.keys() == {200}
    print(f"at most {RATIO}, each login answered: {'yes' if kept else 'NO'}")


def main() -> None:
    """Run the benchmark on a new `parley serve`."""
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1) as processes:
        start = Start(Path(folder))
        try:
            serving = start("--data-dir", Path(folder, "data"))
            measure(serving, processes)
            measure_registrations(serving, processes)
        finally:
            start.end_all()


if __name__ == "__main__":
    main()
