"""Documents that lack a field, as an earlier release would have written them: every route reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parley_webhooks.models import UNKNOWN_USER
from parley_webhooks.testing import Inbox

if TYPE_CHECKING:
    from conftest import Stage

# Without one of these a document is no webhook.
ESSENTIAL = {"_id", "url", "secrets", "slot", "rev", "history"}
DEFAULTS = {
    "types": [],
    "active": True,
    "inactive_because": None,
    "created_by": UNKNOWN_USER,
    "created_at": "1970-01-01T00:00:00Z",
}


async def test_webhook(stage: Stage, inbox: Inbox) -> None:
    """Each field of a webhook that isn't essential has a default, and the webhook is delivered without them."""
    webhook = await stage.create(inbox.address, types=["sample.made"])
    stored = await stage.database["webhooks"].find_one({"_id": webhook["id"]})
    assert stored is not None
    later = stored.keys() - ESSENTIAL
    assert later == {*DEFAULTS, "updated_at"}
    await stage.database["webhooks"].update_one({"_id": webhook["id"]}, {"$unset": dict.fromkeys(later, "")})
    found = await stage.read(webhook)
    assert {name: found[name] for name in DEFAULTS} == DEFAULTS
    await stage.happen()
    await stage.delivered(webhook)
    assert inbox.deliveries[-1].payload["type"] == "sample.made"


async def test_attempt(stage: Stage, inbox: Inbox) -> None:
    """Each field of an attempt that isn't essential has a default."""
    webhook = await stage.create(inbox.address)
    await stage.request("POST", f"/{webhook['id']}/ping")
    fields = ("position", "event_id", "type", "status", "reason", "milliseconds")
    await stage.database["webhook_attempts"].update_many({}, {"$unset": dict.fromkeys(fields, "")})
    [attempt] = await stage.attempts(webhook)
    assert [attempt[field] for field in fields] == [None, "", "unknown", None, None, 0]
