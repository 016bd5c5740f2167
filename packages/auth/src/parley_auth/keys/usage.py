"""When a key was last used, by the hour: stored beside the requests, which that neither delays nor fails."""

import asyncio
import logging
from collections import deque
from contextvars import Context
from datetime import UTC, datetime

from parley_auth.keys.repository import KeyRepository
from parley_core import Clock
from parley_core.background import kept_running
from parley_core.data.failures import DatabaseError
from parley_core.log_lines import LogLine
from parley_core.waiting import end

_CLOSING_SECONDS = 1
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger("parley.auth")


class KeyUsage:
    """Notes the last use of keys: each worker once an hour, of whom the first stores it.

    Args:
        keys: where they are stored.
        clock: returns the time.
    """

    def __init__(self, *, keys: KeyRepository, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._hour = _LONG_AGO
        self._noted: set[str] = set()
        self._waiting: deque[tuple[str, str]] = deque()
        self._writer: asyncio.Task[None] | None = None

    def note(self, user_id: str, key_id: str) -> None:
        """Have the present hour stored as that of a key's last use, unless this worker has done so.

        Args:
            user_id: the key's creator.
            key_id: the key.
        """
        hour = self._clock().replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._noted = hour, set()
        if key_id in self._noted:
            return
        self._noted.add(key_id)
        self._waiting.append((user_id, key_id))
        if self._writer is None or self._writer.done():
            # An empty context: the request's deadline is not that of this write.
            work = kept_running(self._write, "storing the last uses of keys")
            self._writer = asyncio.get_running_loop().create_task(work, context=Context())

    async def _write(self) -> None:
        # One after the other: together, at the turn of an hour, they would take the connections that requests need.
        while self._waiting:
            await self._store(*self._waiting.popleft())

    async def _store(self, user_id: str, key_id: str) -> None:
        try:
            await self._keys.note_use(user_id, key_id, self._hour)
        except DatabaseError as error:
            # The next request tries again.
            self._noted.discard(key_id)
            text = "the last use of key {key_id} could not be stored ({error})"
            _log.warning(LogLine("key_use_unstored", text, key_id=key_id, error=type(error).__name__))

    async def close(self) -> None:
        """Wait a moment for what is being stored, then give it up."""
        if self._writer:
            await asyncio.wait([self._writer], timeout=_CLOSING_SECONDS)
            await end(self._writer)
