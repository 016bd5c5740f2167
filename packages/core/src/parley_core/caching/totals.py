"""How many items a list has: counted once for each state of the data, for all pages, orders and callers of the list.

What is remembered is remembered with the state under which the answer is kept: the generation that a cached route has
read before anything else. Where no answers are kept, each page with a total counts anew (docs/caching.md).
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from cachetools import TTLCache

from parley_core.caching.store import TTL_SECONDS
from parley_core.data.deadline import remaining
from parley_core.data.keyset import Found
from parley_core.errors import Unavailable
from parley_core.waiting import SharedWork

T = TypeVar("T")
# Of a few hundred bytes each, most of which is the filter.
_MOST = 4096

state_of_data: ContextVar[Hashable] = ContextVar("parley_state_of_data", default=None)
"""The validator under which the answer that is being made will be kept; None when it won't be."""


class Read(Protocol[T]):
    """Reads a page of a list."""

    def __call__(self, *, counts: bool) -> Coroutine[Any, Any, Found[T]]:
        """Return the page, with its total if it `counts`."""


class CountedTotals:
    """Remembers totals, for as long as the application runs.

    Args:
        timer: returns seconds, by which totals age.
    """

    def __init__(self, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._known: TTLCache[Hashable, int | None] = TTLCache(_MOST, TTL_SECONDS, timer=timer)
        self._counts: SharedWork[Found[Any]] = SharedWork()

    async def page(self, read: Read[T], *, of: Hashable, wanted: bool) -> Found[T]:
        """Return a page with its total, which is counted only if it isn't known for the present state of the data.

        Args:
            read: reads the page.
            of: what the total depends on, besides the state of the data.
            wanted: whether the caller wants a total at all.

        Raises:
            Unavailable: the caller's time is over.
        """
        if not wanted:
            return await read(counts=False)
        if (state := state_of_data.get()) is None:
            return await read(counts=True)
        key = of, state
        if (known := self._known.get(key)) is not None:
            return replace(await read(counts=False), total=known)
        if not self._counts.is_under_way(key):
            counted: Found[T] = await self._joined(key, read)
            self._known[key] = counted.total
            return counted
        found, total = await asyncio.gather(read(counts=False), self._counted_by_another(key, read))
        return await read(counts=True) if total is None else replace(found, total=total)

    async def _counted_by_another(self, key: Hashable, read: Read[T]) -> int | None:
        """Return the total that another request counts now; None where that fails, which may not concern this one."""
        try:
            return (await self._joined(key, read)).total
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - it belongs to the request that counts
            return None

    async def _joined(self, key: Hashable, read: Read[T]) -> Found[T]:
        try:
            return await self._counts.join(key, lambda: read(counts=True), seconds=remaining())
        except TimeoutError:
            raise Unavailable from None
