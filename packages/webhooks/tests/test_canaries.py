"""No secret and no address leaves: not in the database, an event, an attempt, an answer, an error or a log line."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from parley_webhooks.testing import Inbox

if TYPE_CHECKING:
    from conftest import Stage


async def everything(stage: Stage) -> str:
    """The whole database as text, sealed bytes as they are."""
    names = await stage.database.list_collection_names()
    return str({name: await stage.database[name].find().to_list() for name in names})


async def test_secrets(stage: Stage, inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    """A secret is in the answer that makes it and nowhere else, whatever becomes of its webhook."""
    # MongoDB's driver logs whole commands at DEBUG.
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "parley")
    webhook = await stage.create(inbox.address, types=["sample.made"])
    seen: list[Any] = [{name: value for name, value in webhook.items() if name != "secret"}]
    rotated = (await stage.request("POST", f"/{webhook['id']}/secret")).json()
    secrets = [webhook["secret"], rotated.pop("secret")]
    seen.append(rotated)
    for status in (500, 410):
        inbox.answer_with(status)
        seen.append((await stage.request("POST", f"/{webhook['id']}/ping")).json())
    await stage.happen(2)
    await stage.until(webhook, lambda found: not found["active"])
    seen += [
        await stage.attempts(webhook),
        (await stage.request("GET")).json(),
        (await stage.client.get("/v1/events?limit=100", headers=stage.headers)).json(),
    ]
    await stage.drain()
    places = {
        "answers": json.dumps(seen),
        "database": await everything(stage),
        "log": caplog.text,
        "deliveries": str([(delivery.headers, delivery.body) for delivery in inbox.deliveries]),
    }
    for secret in secrets:
        bare = secret.removeprefix("whsec_")
        assert {place for place, text in places.items() if bare in text} == set()
        assert bare in f"{secret}"


async def test_addresses(stage: Stage, inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    """Path and query of an address, which may contain a token, are in no event, attempt, error or log line."""
    # MongoDB's driver logs whole commands at DEBUG.
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "parley")
    address = f"{inbox.address}/canary-path?token=canary-query"
    webhook = await stage.create(address, types=["sample.made"])
    refused = await stage.request("POST", json={"url": address.replace("https", "http")})
    inbox.answer_with(500)
    await stage.happen()
    await stage.failed(webhook, 1)
    await stage.request("PATCH", f"/{webhook['id']}", json={"url": address.replace("canary-path", "canary-other")})
    await stage.drain()
    events = (await stage.client.get("/v1/events?limit=100", headers=stage.headers)).text
    places = {
        "events": events,
        "attempts": json.dumps(await stage.attempts(webhook, 1)),
        "error": refused.text,
        "log": caplog.text,
        "deliveries": str(await stage.database["webhook_deliveries"].find().to_list()),
        "history": str(await stage.database["events"].find().to_list()),
    }
    assert {place for place, text in places.items() if "canary" in text} == set()
    assert "canary-other" in (await stage.read(webhook))["url"]
