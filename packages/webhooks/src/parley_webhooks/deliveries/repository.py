"""How far each webhook has come in MongoDB, and which worker delivers it now.

A lease runs on the server's time, so that workers whose clocks differ agree about it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument, WriteConcern

from parley_core import Database, Document, Session, new_id
from parley_webhooks.indexes import DELIVERIES, WEBHOOKS
from parley_webhooks.models import Progress
from parley_webhooks.subscriptions.repository import as_progress

LEASE_SECONDS = 20.0
"""Longer than a delivery may take and its note may take to be written."""
_RENEWED_AFTER = 4.0
_LEASE_LOOK_SECONDS = 2.0


class LeaseLost(Exception):
    """Another worker delivers the webhook now, or it was deleted."""


@dataclass
class Lease:
    """The right to deliver a webhook.

    Args:
        webhook_id: the webhook.
        token: what no other lease has.
        progress: how far the webhook has come.
        renewed_at: when the lease was written, by the event loop's time.
        rev: the webhook's revision at the last note; None where it has never changed.
    """

    webhook_id: str
    token: str
    progress: Progress
    renewed_at: float
    rev: int | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An active webhook that may have something to deliver.

    Args:
        webhook_id: the webhook.
        types: the event types that it wants.
        progress: how far it has come.
        leased_seconds: how long a worker has it yet.
    """

    webhook_id: str
    types: tuple[str, ...]
    progress: Progress
    leased_seconds: float

    def seconds_left(self, now: datetime) -> float:
        """Return the seconds until a worker may deliver it, as far as that is known."""
        pause = (self.progress.next_at - now).total_seconds() if self.progress.next_at else 0
        # A worker may give its lease back before it ends.
        return max(0, pause, min(self.leased_seconds, _LEASE_LOOK_SECONDS))


class DeliveryRepository:
    """Leases webhooks, and keeps how far each has come.

    Args:
        database: the application's.
        lease_seconds: how long a lease lasts unless it is renewed.
    """

    def __init__(self, database: Database, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._webhooks = database[WEBHOOKS]
        self._deliveries = database[DELIVERIES]
        # A failover may take a note back, and so repeat a delivery: a majority for each would slow all of them down.
        self._notes = self._deliveries.with_options(write_concern=WriteConcern(w=1))
        self._ends = {"$add": ["$$NOW", round(lease_seconds * 1000)]}

    async def candidates(self) -> list[Candidate]:
        """Return all active webhooks."""
        pipeline: list[Document] = [
            {"$match": {"slot": {"$gte": 0}, "active": {"$ne": False}}},
            {"$lookup": {"from": DELIVERIES, "localField": "_id", "foreignField": "_id", "as": "delivery"}},
            {"$unwind": "$delivery"},
            {
                "$project": {
                    "types": True,
                    "delivery": True,
                    "leased": {"$subtract": ["$delivery.lease.until", "$$NOW"]},
                }
            },
        ]
        return [_as_candidate(document) async for document in await self._webhooks.aggregate(pipeline)]

    async def advance(self, webhook_ids: Iterable[str], position: int) -> None:
        """Move webhooks forwards that want nothing up to a position."""
        if ids := list(webhook_ids):
            await self._deliveries.update_many({"_id": {"$in": ids}}, {"$max": {"position": position}})

    async def acquire(self, webhook_id: str) -> Lease | None:
        """Lease a webhook; return None where another worker has it."""
        token = new_id()
        free = {"$lte": [{"$ifNull": ["$lease.until", "$$NOW"]}, "$$NOW"]}
        found = await self._deliveries.find_one_and_update(
            {"_id": webhook_id, "$expr": free},
            [{"$set": {"lease": {"token": token, "until": self._ends}}}],
            return_document=ReturnDocument.AFTER,
        )
        return Lease(webhook_id, token, as_progress(found), _now()) if found else None

    async def note(self, lease: Lease, progress: Progress, session: Session | None = None) -> None:
        """Store how far a leased webhook has come, and renew the lease.

        Raises:
            LeaseLost: the lease isn't this worker's any more; nothing is stored.
        """
        stored = {name: {"$literal": getattr(progress, name)} for name in Progress.__dataclass_fields__}
        began = _now()
        notes = self._deliveries if session else self._notes
        found = await notes.find_one_and_update(
            _leased_as(lease),
            [{"$set": {**stored, "lease.until": self._ends}}],
            projection={"rev": True},
            session=session,
        )
        if found is None:
            raise LeaseLost
        lease.progress, lease.renewed_at, lease.rev = progress, began, found.get("rev")

    async def renew(self, lease: Lease) -> None:
        """Renew a lease that wasn't written for a while; raise `LeaseLost` where it is another worker's now."""
        if _now() - lease.renewed_at > _RENEWED_AFTER:
            await self.note(lease, lease.progress)

    async def release(self, lease: Lease) -> None:
        """End a lease, and store the position that it has come to."""
        update = {"$unset": {"lease": True}, "$max": {"position": lease.progress.position}}
        await self._deliveries.update_one({"_id": lease.webhook_id, "lease.token": lease.token}, update)


def _leased_as(lease: Lease) -> Document:
    return {
        "_id": lease.webhook_id,
        "lease.token": lease.token,
        "$expr": {"$gt": ["$lease.until", "$$NOW"]},
    }


def _as_candidate(document: Mapping[str, Any]) -> Candidate:
    return Candidate(
        webhook_id=document["_id"],
        types=tuple(document.get("types", ())),
        progress=as_progress(document["delivery"]),
        leased_seconds=(document.get("leased") or 0) / 1000,
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
