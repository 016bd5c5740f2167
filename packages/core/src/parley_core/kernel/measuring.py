"""What is measured while an application runs: how late the event loop is, and what its cache keeps."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley_core.background import kept_running
from parley_core.caching.store import CACHES, ReadCache
from parley_core.telemetry import METER
from parley_core.waiting import end

_SECONDS = 0.25
_LAG = METER.create_histogram(
    "parley.event_loop.lag",
    "s",
    "How late the event loop does what is due: every request waits so long.",
    explicit_bucket_boundaries_advisory=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


@asynccontextmanager
async def measured(cache: ReadCache) -> AsyncIterator[None]:
    """Measure the running event loop and a cache during the block."""
    task = asyncio.create_task(kept_running(_measure_lag, "the measurement of the event loop"))
    try:
        with CACHES.counting(cache):
            yield
    finally:
        await end(task)


async def _measure_lag() -> None:
    while True:
        due = time.monotonic() + _SECONDS
        await asyncio.sleep(_SECONDS)
        _LAG.record(max(0, time.monotonic() - due))
