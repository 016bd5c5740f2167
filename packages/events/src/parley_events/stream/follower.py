"""Following the log: what it contains from a place on, then what comes, until access is lost or the server stops."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from parley_auth import Access
from parley_auth.errors import TokenExpired
from parley_core import EventLog, ParleyError
from parley_core.data.failures import is_outage
from parley_core.http.event_stream import retry_hint
from parley_events.stream.ending import Ending
from parley_events.stream.reader import NewEventReader, News

HEARTBEAT_SECONDS = 15.0
# Nothing is sent that was let through longer ago than this, and no stream outlives its access by much more.
RECHECK_SECONDS = 1.0
_OUTAGE_SECONDS = 0.5


class Follower:
    """One stream: its place in the log, and when its access was last checked.

    Nothing is sent that was committed after the answer that took access away, on whatever worker. Each page is read
    first, and access is checked after that, fresh from the primary: a check that finds access comes before the answer
    that takes it away, and every event of the page was committed before the check.

    Args:
        access: what the guard has found.
        after: the place after which the stream begins.
        types: the types that are wanted; all if there are none.
        log: tells when there is more.
        reader: what reads for it.
        ending: the end of the process.
    """

    def __init__(
        self,
        access: Access,
        *,
        after: int,
        types: tuple[str, ...],
        log: EventLog,
        reader: NewEventReader,
        ending: Ending,
    ) -> None:
        self._access = access
        self._after = after
        self._types = types
        self._log = log
        self._reader = reader
        self._ending = ending
        self._now = asyncio.get_running_loop().time
        self._sent_at = self._now()
        self._checked_at = float("-inf")

    async def events(self) -> AsyncGenerator[bytes]:
        """Yield each event once, in order, and heartbeats between them.

        Ends when access is lost, and with a retry hint when the token has expired or the server stops.
        """
        async with aclosing(self._authorized()) as events:
            try:
                async for event in events:
                    yield event
                    self._sent_at = self._now()
            except TokenExpired:
                yield format_sse_event(retry=0)
                return
            except ParleyError:
                return
        yield retry_hint()

    async def _authorized(self) -> AsyncGenerator[bytes]:
        """Yield until the process ends; raise what the guard answers when access is lost."""
        while not self._ending.has_come:
            news = await self._next()
            for position, event in news.events:
                if not self._is_fresh():
                    break  # the reader is slow: what is left is read again, and sent once access was checked again
                yield event
                self._after = position
            else:
                self._after = news.after
            if self._now() >= self._sent_at + HEARTBEAT_SECONDS:
                yield KEEPALIVE_COMMENT

    def _is_fresh(self) -> bool:
        return self._now() < self._checked_at + RECHECK_SECONDS

    async def _next(self) -> News:
        """Return the next events; none when the log doesn't grow before the next check, or MongoDB is away."""
        try:
            news = await self._read()
            # After the read: what is committed once access was lost can't have been read before this check.
            if news.events or news.after == self._after or not self._is_fresh():
                await self._check_access()
        except Exception as error:
            if not is_outage(error):
                raise
            async with self._ending.interrupting():
                await asyncio.sleep(_OUTAGE_SECONDS)
            return News((), self._after)
        return news

    async def _read(self) -> News:
        head = self._after
        async with self._ending.interrupting():
            head = await self._log.wait_beyond(self._after, seconds=self._seconds_to_wait())
        if head <= self._after:
            return News((), self._after)
        return await self._reader.between(self._after, head, types=self._types)

    def _seconds_to_wait(self) -> float:
        # All followers wait for the same ticks of the clock, so that their accounts are read together.
        return RECHECK_SECONDS - self._now() % RECHECK_SECONDS

    async def _check_access(self) -> None:
        await self._access.reauthorize()
        self._checked_at = self._now()
