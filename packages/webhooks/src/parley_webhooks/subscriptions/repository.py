"""Webhooks in MongoDB. Every change is one recorded write; what moves with each delivery is in another collection."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from parley_core import Database, Document, Event, Expression, Session, in_transaction, insert_recorded, record
from parley_webhooks.indexes import DELIVERIES, WEBHOOKS
from parley_webhooks.models import UNKNOWN_TIME, UNKNOWN_USER, Because, Progress, SealedSecret, Webhook
from parley_webhooks.policy import MAX_WEBHOOKS

_REMOVED = Expression("$$REMOVE")
# A deleted webhook's document stays, for its history, but has no slot.
_EXISTS: Document = {"slot": {"$gte": 0}}
_AT_ONCE: Document = {"failures": 0, "refusals": 0, "failing_since": None, "next_at": None}


class WebhookRepository:
    """Reads and writes webhooks."""

    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._webhooks = database[WEBHOOKS]
        self._deliveries = database[DELIVERIES]

    async def add(self, webhook: Webhook, event: Event, *, position: int) -> bool:
        """Store a new webhook that is delivered what follows `position`; return False where there is no room for it."""
        while (slot := await self._free_slot()) is not None:

            async def work(session: Session, slot: int = slot) -> None:
                await insert_recorded(self._webhooks, {**_stored(webhook), "slot": slot}, event, session=session)
                await self._deliveries.insert_one({"_id": webhook.id, "position": position}, session=session)

            try:
                await in_transaction(self._client, work)
            except DuplicateKeyError:
                continue  # Another webhook has this slot now.
            return True
        return False

    async def get(self, webhook_id: str) -> Webhook | None:
        """Return the webhook with this id, None when there is none."""
        found = await self._webhooks.find_one({"_id": webhook_id, **_EXISTS})
        return as_webhook(found) if found else None

    async def all(self) -> list[Webhook]:
        """Return every webhook, oldest first."""
        found = await self._webhooks.find(_EXISTS).to_list()
        return sorted(map(as_webhook, found), key=lambda webhook: (webhook.created_at, webhook.id))

    async def progress_of(self, webhook_ids: Iterable[str]) -> Mapping[str, Progress]:
        """Return how far these webhooks have come, by their ids."""
        found = await self._deliveries.find({"_id": {"$in": list(webhook_ids)}}).to_list()
        return {document["_id"]: as_progress(document) for document in found}

    async def change(
        self,
        before: Webhook,
        changes: Mapping[str, object],
        event: Event,
        *,
        at_once: bool = False,
        session: Session | None = None,
    ) -> Webhook | None:
        """Change a webhook that is still as it was read.

        Args:
            before: as it was read.
            changes: field -> new value.
            event: the change.
            at_once: forget the failures of the next event, so that it is tried at once.
            session: the caller's transaction.

        Returns: the changed webhook; None when it has changed since.
        """

        async def work(session: Session) -> Document | None:
            where = {"_id": before.id, "rev": before.rev}
            after = await record(self._webhooks, where, {**changes, "updated_at": event.at}, event, session=session)
            if after:
                # Whoever delivers it learns from this that it has changed.
                seen = {"rev": after["rev"], **(_AT_ONCE if at_once else {})}
                await self._deliveries.update_one({"_id": before.id}, {"$set": seen}, session=session)
            return after

        after = await (work(session) if session else in_transaction(self._client, work))
        return as_webhook(after) if after else None

    async def try_at_once(self, webhook_id: str) -> None:
        """Forget the failures of the next event, so that it is tried at once."""
        await self._deliveries.update_one({"_id": webhook_id}, {"$set": _AT_ONCE})

    async def delete(self, before: Webhook, event: Event) -> bool:
        """Delete a webhook that is still as it was read; its address and its secrets are gone for good."""
        changes = {"active": False, "deleted_at": event.at, "slot": _REMOVED, "url": _REMOVED, "secrets": _REMOVED}

        async def work(session: Session) -> bool:
            where = {"_id": before.id, "rev": before.rev}
            deleted = await record(self._webhooks, where, changes, event, session=session)
            if deleted:
                await self._deliveries.delete_one({"_id": before.id}, session=session)
            return deleted is not None

        return await in_transaction(self._client, work)

    async def _free_slot(self) -> int | None:
        taken = {document["slot"] async for document in self._webhooks.find(_EXISTS, {"slot": True})}
        free = [slot for slot in range(MAX_WEBHOOKS) if slot not in taken]
        # At random, so that webhooks that are created together don't meet in one.
        return secrets.choice(free) if free else None


def stored_secrets(found: Sequence[SealedSecret]) -> list[Document]:
    """Return secrets as they are stored."""
    return [asdict(secret) for secret in found]


def as_webhook(document: Mapping[str, Any]) -> Webhook:
    """Return the webhook of a document, with a default for each field that it may lack."""
    created_at = document.get("created_at", UNKNOWN_TIME)
    because = document.get("inactive_because")
    return Webhook(
        id=document["_id"],
        url=document["url"],
        types=tuple(document.get("types", ())),
        active=document.get("active", True),
        inactive_because=Because(because) if because else None,
        secrets=tuple(SealedSecret(secret["sealed"], secret.get("until")) for secret in document["secrets"]),
        created_by=document.get("created_by", UNKNOWN_USER),
        created_at=created_at,
        updated_at=document.get("updated_at", created_at),
        rev=document["rev"],
    )


def as_progress(document: Mapping[str, Any]) -> Progress:
    """Return the progress of a document, with a default for each field that it may lack."""
    return Progress(
        position=document["position"],
        failures=document.get("failures", 0),
        refusals=document.get("refusals", 0),
        failing_since=document.get("failing_since"),
        next_at=document.get("next_at"),
    )


def _stored(webhook: Webhook) -> Document:
    document = asdict(webhook)
    document["_id"] = document.pop("id")
    return document
