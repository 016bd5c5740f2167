"""The store of ready answers: bounded in bytes, short-lived, and filled once for all who ask at the same time.

It knows no users and no rights. The guard of each request has admitted the caller before the store is asked, and the
keys contain the validator that the request has read: an answer is found only while it is current (docs/caching.md).
"""

import time
from collections.abc import Callable, Coroutine, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from cachetools import Cache, TTLCache
from opentelemetry.metrics import CallbackOptions, Observation

from parley_core.data.deadline import remaining
from parley_core.errors import Unavailable
from parley_core.telemetry import METER, Living
from parley_core.waiting import SharedWork

# The last resort for a worker that died after a write and before it invalidated what the write changed.
TTL_SECONDS = 30.0
# What an entry costs on top of its bytes, measured with tracemalloc.
_OVERHEAD = 1500
ShownTo = Literal["all", "admins", "off"]
RawHeaders = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An encoded answer.

    Args:
        status: only a 200 is kept.
        headers: as they go over the wire, without `Cache-Status`.
        body: the bytes.
        etag: its strong entity tag, which is also among the headers.
        links: its `Link`, which each request completes for itself; see `parley_core.http.absolute.parts_of`.
    """

    status: int
    headers: RawHeaders
    body: bytes
    etag: bytes
    links: tuple[bytes, ...] = ()


class _Lookups:
    """The lookups in all caches of this process: adding to a number is all that a hit has to do for a metric."""

    def __init__(self) -> None:
        self.hits = self.misses = 0

    def observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(self.hits, {"result": "hit"})
        yield Observation(self.misses, {"result": "miss"})


_lookups = _Lookups()
METER.create_observable_counter(
    "parley.cache.lookups", [_lookups.observe], "{lookup}", "Reads that could be answered from memory, or not."
)


class ReadCache:
    """Keeps answers of this process.

    Args:
        max_bytes: room for all entries together; 0 keeps nothing.
        shown_to: whose answers say whether they were kept.
        timer: returns seconds, by which entries age.
    """

    def __init__(
        self, *, max_bytes: int, shown_to: ShownTo = "all", timer: Callable[[], float] = time.monotonic
    ) -> None:
        self.enabled = max_bytes > 0
        self.shown_to = shown_to
        self.hits = self.misses = 0
        self._kept: TTLCache[Hashable, tuple[Answer, int]] = TTLCache(
            max_bytes, TTL_SECONDS, timer=timer, getsizeof=lambda kept: kept[1]
        )
        self._misses: SharedWork[Answer] = SharedWork()

    @property
    def size(self) -> int:
        """Return the bytes that the entries take, those included that are too old; any thread may ask."""
        # The class's own property first removes what is too old, which only the event loop's thread may do.
        return int(Cache.currsize.__get__(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Hashable) -> Answer | None:
        """Return the answer that is kept under a key, and count a hit when there is one."""
        try:
            answer, _ = self._kept[key]
        except KeyError:
            return None
        self.hits += 1
        _lookups.hits += 1
        return answer

    def keep(self, key: Hashable, answer: Answer, *, key_bytes: int) -> None:
        """Keep an answer, unless it alone is larger than the cache.

        Args:
            key: everything that the answer depends on.
            answer: a 200.
            key_bytes: what the key's own text takes.
        """
        size = _OVERHEAD + key_bytes + len(answer.body) + sum(map(len, answer.links))
        size += sum(len(name) + len(value) for name, value in answer.headers)
        if size <= self._kept.maxsize:
            self._kept[key] = answer, size

    async def load(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Answer]]) -> tuple[Answer | None, bool]:
        """Return what `work` answers, done once for all who want the same key now; count a miss.

        Returns: the answer, and whether this caller's own `work` gave it. The answer is None when another's
        failed, which is no reason for this one to fail.

        Raises:
            Unavailable: the caller's time is over.
        """
        self.misses += 1
        _lookups.misses += 1
        is_own = not self._misses.is_under_way(key)
        try:
            return await self._misses.join(key, work, seconds=remaining()), is_own
        except TimeoutError:
            raise Unavailable from None
        except Exception:
            if is_own:
                raise
            return None, False


CACHES = Living[ReadCache](
    "parley.cache.size", lambda cache: cache.size, unit="By", description="Bytes that kept answers take."
)
"""The caches of running applications."""
