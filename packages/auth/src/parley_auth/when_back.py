"""Writes that MongoDB couldn't take because it was away: repeated beside the requests until it takes them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context

from parley_core.data.deadline import time_limit
from parley_core.data.failures import DatabaseError, is_outage
from parley_core.log_lines import LogLine
from parley_core.waiting import end

Write = Callable[[], Awaitable[None]]
_PAUSE_SECONDS = 0.1
_ATTEMPT_SECONDS = 2
_log = logging.getLogger("parley.auth")


class WhenBack:
    """Repeats writes every 0.1 s until MongoDB takes them; a process that ends before forgets them.

    Args:
        most: how many writes wait at most; beyond that the oldest is forgotten.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._waiting: dict[str, Write] = {}
        self._writer: asyncio.Task[None] | None = None

    def __contains__(self, key: str) -> bool:
        return key in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: str, write: Write) -> None:
        """Have a write done once MongoDB is back; of several with one key the last is done.

        Args:
            key: names the write.
            write: does it; may be called again after it has failed.
        """
        self._waiting[key] = write
        if len(self._waiting) > self._most:
            del self._waiting[next(iter(self._waiting))]
        if self._writer is None:
            # An empty context: the request's deadline is not that of this write.
            self._writer = asyncio.get_running_loop().create_task(self._write_all(), context=Context())

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                key, write = next(iter(self._waiting.items()))
                if not await self._is_done(write):
                    await asyncio.sleep(_PAUSE_SECONDS)
                elif self._waiting.get(key) is write:
                    del self._waiting[key]
        finally:
            self._writer = None

    async def _is_done(self, write: Write) -> bool:
        """Try a write; return whether it needn't be repeated."""
        try:
            with time_limit(_ATTEMPT_SECONDS):
                await write()
        except DatabaseError as error:
            if is_outage(error):
                return False
            text = "a write that MongoDB was away for has failed: {error}"
            _log.warning(LogLine("late_write_refused", text, error=type(error).__name__))
        except Exception:  # noqa: BLE001 - reported; a defect in one write must not keep others from being done
            _log.exception(LogLine("late_write_failed", "a write that MongoDB was away for has failed"))
        return True

    async def drain(self) -> None:
        """Return when nothing waits any more."""
        if self._writer:
            await asyncio.wait([self._writer])

    async def close(self) -> None:
        """Stop; what waits is forgotten."""
        if self._writer:
            await end(self._writer)
