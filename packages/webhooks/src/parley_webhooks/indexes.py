"""The collections of webhooks and their indexes."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

WEBHOOKS = "webhooks"
DELIVERIES = "webhook_deliveries"
ATTEMPTS = "webhook_attempts"

INDEXES = [
    CollectionIndexes(
        WEBHOOKS,
        # A webhook that isn't deleted has one of ten slots.
        (IndexModel("slot", name="slot", unique=True, partialFilterExpression={"slot": {"$gte": 0}}),),
        recorded=True,
    ),
    # What moves with each delivery, by the webhook's id.
    CollectionIndexes(DELIVERIES, ()),
    CollectionIndexes(
        ATTEMPTS,
        (
            IndexModel([("webhook_id", 1), ("at", -1), ("_id", -1)], name="newest"),
            IndexModel("expires_at", name="forget", expireAfterSeconds=0),
        ),
    ),
]
