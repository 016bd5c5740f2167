"""Deliveries that an administrator asks for: a test event, or an event of the log once more."""

import asyncio
from contextvars import Context

from parley_core import Clock, EventLog
from parley_core.data.deadline import remaining, time_is_over, time_limit
from parley_webhooks.attempts.repository import AttemptRepository
from parley_webhooks.deliveries.messages import Message, attempt_of, message_of, ping_of
from parley_webhooks.deliveries.messenger import Messenger
from parley_webhooks.errors import EventNotFound, WebhookNotFound
from parley_webhooks.models import Attempt, Webhook
from parley_webhooks.policy import outcome_of
from parley_webhooks.subscriptions.repository import WebhookRepository
from parley_webhooks.subscriptions.secrets import Secrets


class DeliveryService:
    """Delivers now, beside what the log brings; neither the position nor the schedule changes."""

    def __init__(
        self,
        *,
        webhooks: WebhookRepository,
        log: EventLog,
        attempts: AttemptRepository,
        messenger: Messenger,
        secrets: Secrets,
        clock: Clock,
    ) -> None:
        self._webhooks = webhooks
        self._log = log
        self._attempts = attempts
        self._messenger = messenger
        self._secrets = secrets
        self._clock = clock

    async def ping(self, webhook_id: str) -> Attempt:
        """Send a test event, also to an inactive webhook, and return what came back.

        Raises:
            WebhookNotFound: there is no such webhook.
            WebhooksNotConfigured: there is no key that its secret could be opened with.
        """
        webhook = await self._read(webhook_id)
        return await self._send(webhook, ping_of(webhook, self._clock()))

    async def resend(self, webhook_id: str, position: int) -> Attempt:
        """Send an event of the log, whatever became of it before, and return what came back.

        Raises:
            WebhookNotFound: there is no such webhook.
            EventNotFound: the log has no such position.
            WebhooksNotConfigured: there is no key that its secret could be opened with.
        """
        webhook = await self._read(webhook_id)
        if (entry := await self._log.entry(position)) is None:
            raise EventNotFound
        return await self._send(webhook, message_of(entry))

    async def _read(self, webhook_id: str) -> Webhook:
        if (webhook := await self._webhooks.get(webhook_id)) is None:
            raise WebhookNotFound
        self._secrets.check()
        return webhook

    async def _send(self, webhook: Webhook, message: Message) -> Attempt:
        if (left := remaining()) is not None and left <= 0:
            raise time_is_over()
        # An empty context: a receiver may take longer than the request's time for database work, and uses none of it.
        return await asyncio.create_task(self._attempt(webhook, message, left), context=Context())

    async def _attempt(self, webhook: Webhook, message: Message, left: float | None) -> Attempt:
        at = self._clock()
        result = await self._messenger.send(webhook, message)
        attempt = attempt_of(message, webhook, at=at, result=result, outcome=outcome_of(result))
        with time_limit(left):
            await self._attempts.add(attempt)
        return attempt
