"""The store of answers: bounded, short-lived, loaded once for all who wait."""

import asyncio

import pytest

from parley_core.caching.store import CACHES, TTL_SECONDS, Answer, ReadCache
from parley_core.testing.metrics import Metrics


class Seconds:
    """A timer that is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def an_answer(size: int = 10, status: int = 200) -> Answer:
    return Answer(status, ((b"content-type", b"application/json"),), b"x" * size, b'"tag"')


def test_bounded_in_bytes() -> None:
    """However much is kept, the bytes stay below the bound and the latest entries are there; a giant isn't kept."""
    cache = ReadCache(max_bytes=100_000)
    for n in range(200):
        cache.keep(n, an_answer(5000), key_bytes=8)
        assert cache.size <= 100_000
    assert 10 < len(cache) < 20
    assert cache.find(199) is not None
    assert cache.find(0) is None
    cache.keep("giant", an_answer(200_000), key_bytes=5)
    assert cache.find("giant") is None
    assert cache.find(199) is not None


def test_long_keys_count() -> None:
    """What a caller puts into the address takes its room too."""
    cache = ReadCache(max_bytes=100_000)
    for n in range(100):
        cache.keep(f"{n}" * 4000, an_answer(), key_bytes=8000)
    assert len(cache) <= 12


def test_ages() -> None:
    """An entry is gone after its time, whatever its validator says."""
    cache = ReadCache(max_bytes=10_000, timer=(seconds := Seconds()))
    cache.keep("key", an_answer(), key_bytes=3)
    seconds.now = TTL_SECONDS - 1
    assert cache.find("key") is not None
    seconds.now = TTL_SECONDS + 1
    assert cache.find("key") is None


def test_off() -> None:
    """Without room nothing is kept."""
    cache = ReadCache(max_bytes=0)
    cache.keep("key", an_answer(), key_bytes=3)
    assert (cache.enabled, cache.find("key")) == (False, None)


async def test_counters() -> None:
    """Hits and misses are counted."""
    cache = ReadCache(max_bytes=10_000)

    async def work() -> Answer:
        return an_answer()

    assert cache.find("key") is None
    await cache.load("key", work)
    cache.keep("key", an_answer(), key_bytes=3)
    cache.find("key")
    assert (cache.hits, cache.misses) == (1, 1)


async def test_one_flight() -> None:
    """Whoever asks while a load is on its way gets its answer; another key, or a later caller, starts its own load."""
    cache, loads = ReadCache(max_bytes=10_000), 0

    async def work() -> Answer:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0.01)
        return an_answer()

    results = await asyncio.gather(*(cache.load("key", work) for _ in range(50)), cache.load("other", work))
    assert loads == 2
    assert sum(is_own for _, is_own in results) == 2
    await cache.load("key", work)
    assert loads == 3


async def test_failure_is_the_first_callers() -> None:
    """A failed load fails the caller who started it; the others get no answer and no exception."""
    cache = ReadCache(max_bytes=10_000)

    async def work() -> Answer:
        await asyncio.sleep(0.01)
        raise LookupError

    leader, *others = await asyncio.gather(*(cache.load("key", work) for _ in range(3)), return_exceptions=True)
    assert isinstance(leader, LookupError)
    assert others == [(None, False)] * 2


async def test_cancelled_leader() -> None:
    """The load goes on for the others when the caller who started it leaves."""
    cache = ReadCache(max_bytes=10_000)

    async def work() -> Answer:
        await asyncio.sleep(0.02)
        return an_answer()

    leader, other = [asyncio.create_task(cache.load("key", work)) for _ in range(2)]
    await asyncio.sleep(0.005)
    leader.cancel()
    assert await other == (an_answer(), False)
    with pytest.raises(asyncio.CancelledError):
        await leader


async def test_lookups_are_counted(metrics: Metrics) -> None:
    """Hits and misses of all caches add up."""
    before = metrics.value("parley.cache.lookups", result="hit"), metrics.value("parley.cache.lookups", result="miss")

    async def work() -> Answer:
        return an_answer()

    for cache in (ReadCache(max_bytes=10_000), ReadCache(max_bytes=10_000)):
        cache.keep("key", an_answer(), key_bytes=3)
        assert cache.find("other") is None
        await cache.load("other", work)
        cache.find("key")
        cache.find("key")
    after = metrics.value("parley.cache.lookups", result="hit"), metrics.value("parley.cache.lookups", result="miss")
    assert (after[0] - before[0], after[1] - before[1]) == (4, 2)


def test_size_is_measured(metrics: Metrics) -> None:
    """The bytes of all running caches add up; to read them changes nothing, since the SDK does so in its own thread."""
    cache = ReadCache(max_bytes=10_000, timer=(seconds := Seconds()))
    cache.keep("key", an_answer(), key_bytes=3)
    full = cache.size
    with CACHES.counting(cache), CACHES.counting(ReadCache(max_bytes=10_000)):
        assert metrics.value("parley.cache.size") == full > 0
        seconds.now = TTL_SECONDS + 1
        assert metrics.value("parley.cache.size") == full
        assert cache.find("key") is None
        cache.keep("short", an_answer(0), key_bytes=3)
        assert 0 < metrics.value("parley.cache.size") < full
    assert metrics.value("parley.cache.size") == 0
