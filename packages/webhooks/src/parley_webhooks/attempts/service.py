"""The rules of attempts."""

from collections.abc import Sequence

from parley_webhooks.attempts.repository import AttemptRepository
from parley_webhooks.attempts.schemas import AttemptQuery
from parley_webhooks.errors import WebhookNotFound
from parley_webhooks.models import Attempt
from parley_webhooks.subscriptions.repository import WebhookRepository


class AttemptService:
    """Lists what became of a webhook's deliveries."""

    def __init__(self, *, webhooks: WebhookRepository, attempts: AttemptRepository) -> None:
        self._webhooks = webhooks
        self._attempts = attempts

    async def page(self, webhook_id: str, query: AttemptQuery) -> tuple[Sequence[Attempt], int]:
        """Return the queried page, newest first, and how many there are; raise `WebhookNotFound` (404)."""
        if await self._webhooks.get(webhook_id) is None:
            raise WebhookNotFound
        return await self._attempts.page(webhook_id, limit=query.limit, offset=query.offset)
