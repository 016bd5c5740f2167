"""Measure what 100 concurrent logins cost other requests: their latency with the logins and without.

    uv run --group test python -m benchmarks.logins

The bar: the p99 of other requests stays under 100 ms, and a login that finds the queue full gets 503 with
`Retry-After`.
"""

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import httpx

from parley_app.testing import Serving, Start

LOGINS = 100
SECONDS = 6.0
BAR = 100  # ms
PASSWORD = "nine green bottles"


def accounts() -> list[dict[str, str]]:
    """Return the credentials of the accounts."""
    return [{"email": f"ada{number}@example.com", "password": PASSWORD} for number in range(LOGINS)]


async def register(url: str) -> str:
    """Register the accounts; return an access token of the first."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        for account in accounts():
            (await client.post("/v1/auth/register", json=account)).raise_for_status()
        return str((await client.post("/v1/auth/login", json=accounts()[0])).json()["access_token"])


async def keep_logging_in(url: str) -> Counter[str]:
    """Log in with all accounts at once, again and again; return how often each status was answered."""
    statuses: Counter[str] = Counter()
    until = time.monotonic() + SECONDS

    async def one(client: httpx.AsyncClient, account: dict[str, str]) -> None:
        while time.monotonic() < until:
            answer = await client.post("/v1/auth/login", json=account)
            retry = ", Retry-After" if "Retry-After" in answer.headers else ""
            statuses[f"{answer.status_code}{retry}"] += 1
            await asyncio.sleep(0 if answer.is_success else 0.5)

    limits = httpx.Limits(max_connections=LOGINS)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        await asyncio.gather(*(one(client, account) for account in accounts()))
    return statuses


def load(url: str) -> Counter[str]:
    """Run the logins, in a separate process, so that their client does not slow the one that measures."""
    return asyncio.run(keep_logging_in(url))


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


def main() -> None:
    """Run the benchmark on a new `parley serve`."""
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1) as processes:
        start = Start(Path(folder))
        try:
            measure(start("--data-dir", Path(folder, "data")), processes)
        finally:
            start.end_all()


if __name__ == "__main__":
    main()
