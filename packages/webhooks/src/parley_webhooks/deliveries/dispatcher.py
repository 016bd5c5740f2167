"""Looks for webhooks that have something to deliver, and has each delivered.

Every worker looks when the log goes on, when a retry is due, and when a webhook was changed here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from parley_core import Clock, EventLog, LogFilter
from parley_core.background import kept_running
from parley_core.data.failures import DatabaseError
from parley_core.log_lines import LogLine
from parley_core.waiting import end
from parley_events import EventFeed
from parley_webhooks.bell import Bell
from parley_webhooks.deliveries.courier import Courier
from parley_webhooks.deliveries.repository import Candidate, DeliveryRepository

# Looks are so far apart at least, however many entries the log gets.
_LOOK_SECONDS = 0.25
# A worker that missed something looks nevertheless.
_LONGEST_WAIT = 60.0
# Where nothing is active, a webhook that another worker created is seen so late at most; that worker delivers it.
_UNUSED_WAIT = 10.0
_OUTAGE_SECONDS = 1.0
# How long a delivery that is under way may take when the process stops.
_GRACE_SECONDS = 5.0
_log = logging.getLogger("parley.webhooks")


@dataclass(frozen=True)
class _Look:
    """What a look has found.

    Args:
        head: up to where the log was looked at; None where no webhook is active.
        seconds: until something is due that the log doesn't bring.
    """

    head: int | None
    seconds: float


class Dispatcher:
    """Runs a courier for each webhook that has something to deliver and that no other worker delivers.

    Args:
        log: what wakes it.
        feed: what tells whether a webhook wants something.
        deliveries: the webhooks and how far they have come.
        courier: what delivers.
        clock: the time of retries.
        bell: what wakes it besides.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        feed: EventFeed,
        deliveries: DeliveryRepository,
        courier: Courier,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._log = log
        self._feed = feed
        self._deliveries = deliveries
        self._courier = courier
        self._clock = clock
        self._bell = bell
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._is_over = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver during the block; at its end a delivery that is under way has a few seconds to be answered."""
        task = asyncio.create_task(kept_running(self._run, "the delivery of webhooks"))
        try:
            yield
        finally:
            self.stop()
            tasks = {task, *self._at_work.values()}
            await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
            await _end(tasks)

    def stop(self) -> None:
        """Begin no delivery any more, since the process stops."""
        self._is_over = True
        self._bell.ring()

    async def _run(self) -> None:
        while not self._is_over:
            try:
                look = await self._look()
            except DatabaseError as error:
                text = "webhooks are not delivered now ({error})"
                _log.warning(LogLine("webhooks_paused", text, error=type(error).__name__))
                await asyncio.sleep(_OUTAGE_SECONDS)
                continue
            await asyncio.gather(self._wait(look), self._rest())

    async def _look(self) -> _Look:
        """Start what is due."""
        if not (candidates := await self._deliveries.candidates()):
            return _Look(None, _UNUSED_WAIT)
        head, now = await self._log.head(), self._clock()
        idle, seconds = [], _LONGEST_WAIT
        for candidate in candidates:
            if candidate.webhook_id in self._at_work or candidate.progress.position >= head:
                continue
            if left := candidate.seconds_left(now):
                seconds = min(seconds, left)
            elif await self._is_wanted(candidate, head):
                self._start(candidate.webhook_id)
            else:
                idle.append(candidate.webhook_id)
        await self._deliveries.advance(idle, head)
        return _Look(head, seconds)

    async def _is_wanted(self, candidate: Candidate, head: int) -> bool:
        where = LogFilter(types=candidate.types)
        part = await self._feed.between(candidate.progress.position, head, limit=1, where=where)
        return bool(part.entries)

    def _start(self, webhook_id: str) -> None:
        if self._is_over:
            return
        task = asyncio.create_task(self._deliver(webhook_id))
        self._at_work[webhook_id] = task
        task.add_done_callback(lambda _: self._finish(webhook_id))

    def _finish(self, webhook_id: str) -> None:
        del self._at_work[webhook_id]
        # It may wait for a retry now, or have more to deliver.
        self._bell.ring()

    async def _deliver(self, webhook_id: str) -> None:
        try:
            await self._courier.deliver(webhook_id, goes_on=lambda: not self._is_over)
        except DatabaseError as error:
            text = "webhook {webhook_id} is not delivered now ({error})"
            _log.warning(LogLine("webhook_paused", text, webhook_id=webhook_id, error=type(error).__name__))
        except Exception:  # noqa: BLE001 - a defect in one delivery must not end those of other webhooks
            text = "webhook {webhook_id} is not delivered now"
            _log.exception(LogLine("webhook_failed", text, webhook_id=webhook_id))

    async def _wait(self, look: _Look) -> None:
        """Return when the log goes on, when the bell is rung, or when the time is over."""
        waiting: set[asyncio.Task[Any]] = {asyncio.create_task(self._bell.wait(look.seconds))}
        if look.head is not None:
            waiting.add(asyncio.create_task(self._log.wait_beyond(look.head, seconds=look.seconds)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(waiting)

    async def _rest(self) -> None:
        if not self._is_over:
            await asyncio.sleep(_LOOK_SECONDS)


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        await end(task)
    # Retrieved, so that asyncio doesn't report exceptions that nobody waited for.
    await asyncio.gather(*tasks, return_exceptions=True)
