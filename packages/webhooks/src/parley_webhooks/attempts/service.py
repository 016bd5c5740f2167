"""The rules of attempts."""

from datetime import datetime

from parley_core.http.cursors import Cursors
from parley_core.http.pagination import Listing
from parley_core.http.sorting import Places, SortKeys
from parley_webhooks.attempts.repository import AttemptRepository
from parley_webhooks.attempts.schemas import AttemptQuery
from parley_webhooks.errors import WebhookNotFound
from parley_webhooks.indexes import ATTEMPTS
from parley_webhooks.models import Attempt
from parley_webhooks.subscriptions.repository import WebhookRepository

_SORT_KEYS = SortKeys({"at": datetime}, default="-at")


class AttemptService:
    """Lists what became of a webhook's deliveries."""

    def __init__(self, *, webhooks: WebhookRepository, attempts: AttemptRepository, cursors: Cursors) -> None:
        self._webhooks = webhooks
        self._attempts = attempts
        self._places = Places(_SORT_KEYS, cursors, of=ATTEMPTS)

    async def page(self, webhook_id: str, query: AttemptQuery) -> Listing[Attempt]:
        """Return the queried page, newest first; raise `WebhookNotFound` (404) or `InvalidCursor` (400)."""
        if await self._webhooks.get(webhook_id) is None:
            raise WebhookNotFound
        place = self._places.asked_for(query)
        found = await self._attempts.page(webhook_id, place, limit=query.limit, counts=query.total)
        return self._places.listing(place, found, found.items)
