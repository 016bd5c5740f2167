"""Delivers one webhook: strictly in the order of the log, one event at a time, by one worker."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from parley_core import Actor, Clock, Database, Event, LogEntry, LogFilter, Session, in_transaction
from parley_core.log_lines import LogLine
from parley_core.telemetry import METER
from parley_events import EventFeed
from parley_webhooks.attempts.repository import AttemptRepository
from parley_webhooks.deliveries.messages import attempt_of, message_of
from parley_webhooks.deliveries.messenger import Messenger
from parley_webhooks.deliveries.repository import DeliveryRepository, Lease, LeaseLost
from parley_webhooks.events import WEBHOOK_DEACTIVATED
from parley_webhooks.models import Attempt, Because, Outcome, Webhook
from parley_webhooks.policy import Step, step
from parley_webhooks.subscriptions.repository import WebhookRepository

_PAGE = 100
# Attempts are stored together: so many, or those of so many seconds. A worker that is killed loses them, but no event.
_ATTEMPTS, _ATTEMPTS_SECONDS = 20, 0.25
_DELIVERIES = METER.create_counter("parley.webhooks.deliveries", "{delivery}", "Attempts to deliver an event.")
_LAG = METER.create_histogram(
    "parley.webhooks.lag",
    "s",
    "From an event to an attempt to deliver it.",
    explicit_bucket_boundaries_advisory=(0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600, 21600, 86400, 432000),
)
_SYSTEM = Actor(None, "system", "webhooks")
_log = logging.getLogger("parley.webhooks")


@dataclass
class _Run:
    """One time that a webhook is delivered.

    Args:
        lease: the right to.
        goes_on: asked before each delivery; False ends the run.
        attempts: those that aren't stored yet.
        kept_at: when attempts were stored last, by the event loop's time.
    """

    lease: Lease
    goes_on: Callable[[], bool]
    attempts: list[Attempt] = field(default_factory=list)
    kept_at: float = 0


class Courier:
    """Delivers what a webhook wants of the log, until it has everything or something fails."""

    def __init__(
        self,
        *,
        database: Database,
        feed: EventFeed,
        webhooks: WebhookRepository,
        deliveries: DeliveryRepository,
        attempts: AttemptRepository,
        messenger: Messenger,
        clock: Clock,
    ) -> None:
        self._database = database
        self._feed = feed
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._attempts = attempts
        self._messenger = messenger
        self._clock = clock

    async def deliver(self, webhook_id: str, *, goes_on: Callable[[], bool]) -> None:
        """Deliver a webhook, unless another worker does.

        Args:
            webhook_id: the webhook.
            goes_on: asked before each delivery; False ends the work.
        """
        if (lease := await self._deliveries.acquire(webhook_id)) is None:
            return
        run = _Run(lease, goes_on)
        try:
            while await self._deliver_page(run):
                pass
        except LeaseLost:
            # It was deleted, or this worker was stopped for so long that another one goes on.
            _log.info(LogLine("webhook_lease_lost", "webhook {webhook_id}: its lease has ended", webhook_id=webhook_id))
        finally:
            await self._keep(run, everything=True)
            await self._deliveries.release(lease)

    async def _deliver_page(self, run: _Run) -> bool:
        """Deliver the next events; return whether more may follow now."""
        lease = run.lease
        if not run.goes_on() or (webhook := await self._active(lease.webhook_id)) is None:
            return False
        types = webhook.types
        part = await self._feed.after(lease.progress.position, limit=_PAGE, where=LogFilter(types=types))
        for entry in part.entries:
            if webhook.types != types:
                return True
            if not run.goes_on() or (webhook := await self._deliver_one(run, webhook, entry)) is None:
                return False
        lease.progress = replace(lease.progress, position=part.after)
        return part.has_more

    async def _active(self, webhook_id: str) -> Webhook | None:
        webhook = await self._webhooks.get(webhook_id)
        return webhook if webhook and webhook.active else None

    async def _deliver_one(self, run: _Run, webhook: Webhook, entry: LogEntry) -> Webhook | None:
        """Try to deliver an event; return the webhook as it is now where the next event may follow, else None."""
        await self._deliveries.renew(run.lease)
        at, message = self._clock(), message_of(entry)
        result = await self._messenger.send(webhook, message)
        follows = step(run.lease.progress, result, position=entry.position, now=self._clock())
        run.attempts.append(attempt_of(message, webhook, at=at, result=result, outcome=follows.outcome))
        _DELIVERIES.add(1, {"outcome": follows.outcome.value})
        _LAG.record(max(0, (at - entry.at).total_seconds()))
        await asyncio.gather(self._note(run.lease, webhook, follows), self._keep(run))
        if follows.outcome is Outcome.FAILED:
            return None
        return webhook if run.lease.rev in {None, webhook.rev} else await self._active(webhook.id)

    async def _keep(self, run: _Run, *, everything: bool = False) -> None:
        """Store the attempts once there are some, or once they have waited for a moment."""
        now = asyncio.get_running_loop().time()
        if everything or len(run.attempts) >= _ATTEMPTS or now >= run.kept_at + _ATTEMPTS_SECONDS:
            attempts, run.attempts, run.kept_at = run.attempts, [], now
            await self._attempts.add(*attempts)

    async def _note(self, lease: Lease, webhook: Webhook, follows: Step) -> None:
        """Store what follows from an attempt, the webhook's end as active included: all of it or nothing."""
        if follows.inactive is None:
            await self._deliveries.note(lease, follows.progress)
            return
        event = self._deactivation(follows.inactive)
        changes = {"active": False, "inactive_because": follows.inactive}

        async def work(session: Session) -> bool:
            await self._deliveries.note(lease, follows.progress, session)
            return await self._webhooks.change(webhook, changes, event, session=session) is not None

        # A webhook that has changed meanwhile gets another chance.
        if await in_transaction(self._database.client, work):
            text = "webhook {webhook_id} is inactive now: {reason}"
            _log.warning(LogLine("webhook_deactivated", text, webhook_id=webhook.id, reason=follows.inactive))

    def _deactivation(self, because: Because) -> Event:
        shown: dict[str, tuple[object, object]] = {"active": (True, False), "inactive_because": (None, because)}
        return Event(type=WEBHOOK_DEACTIVATED, at=self._clock(), actor=_SYSTEM, changes=shown)
