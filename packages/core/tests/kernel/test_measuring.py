"""What is measured while an application runs."""

import asyncio
import time

from parley_core.caching.store import Answer, ReadCache
from parley_core.kernel.measuring import measured
from parley_core.testing.metrics import Metrics

LAG = "parley.event_loop.lag"


async def measurement(metrics: Metrics) -> None:
    """Return after the next one."""
    before = metrics.value(LAG)
    async with asyncio.timeout(10):
        while metrics.value(LAG) == before:  # noqa: ASYNC110 - a timer of the code under test does it
            await asyncio.sleep(0.02)


async def test_lag(metrics: Metrics) -> None:
    """A loop that somebody occupies is as late as they take; one that is free is in time."""
    async with measured(ReadCache(max_bytes=10_000)):
        await measurement(metrics)
        free = metrics.total(LAG)
        await asyncio.sleep(0)
        time.sleep(0.7)  # noqa: ASYNC251 - that is what is measured
        await measurement(metrics)
        assert metrics.total(LAG) - free > 0.4
    count = metrics.value(LAG)
    await asyncio.sleep(0.3)
    assert metrics.value(LAG) == count


async def test_cache(metrics: Metrics) -> None:
    """What the cache keeps is measured while it runs."""
    cache = ReadCache(max_bytes=10_000)
    cache.keep("key", Answer(200, (), b"x" * 100, b'"tag"'), key_bytes=3)
    async with measured(cache):
        assert metrics.value("parley.cache.size") == cache.size > 0
    assert metrics.value("parley.cache.size") == 0
