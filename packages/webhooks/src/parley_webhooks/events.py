"""The events of webhooks: no secret and no address is in them, only the receiver's host."""

from parley_core import EventType

WEBHOOK_CREATED = EventType("webhook.created", "An administrator created a webhook.")
WEBHOOK_UPDATED = EventType("webhook.updated", "A webhook's address, types or activity changed.")
WEBHOOK_SECRET_ROTATED = EventType("webhook.secret_rotated", "A webhook got a new secret.")
WEBHOOK_RESUMED = EventType("webhook.resumed", "An inactive webhook became active again.")
WEBHOOK_DEACTIVATED = EventType("webhook.deactivated", "A webhook became inactive, since its receiver did not answer.")
WEBHOOK_DELETED = EventType("webhook.deleted", "A webhook was deleted.")

EVENTS = [
    WEBHOOK_CREATED,
    WEBHOOK_UPDATED,
    WEBHOOK_SECRET_ROTATED,
    WEBHOOK_RESUMED,
    WEBHOOK_DEACTIVATED,
    WEBHOOK_DELETED,
]

PING = "webhook.ping"
"""The type of test events, which are in no log."""
