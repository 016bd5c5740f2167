"""Webhooks as administrators create, read, change and delete them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from parley_core import new_id
from parley_core.kernel.settings import CoreSettings
from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.testing import Inbox, webhooks_settings

if TYPE_CHECKING:
    from conftest import Stage

URL = "https://127.0.0.1:9/hooks"
REFUSED = [
    "http://127.0.0.1/",
    "https://user@127.0.0.1/",
    "https://127.0.0.1/#fragment",
    "https://10.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://0xa000001/",
    "https://2130706433:0/",
    "https://",
    "https://127.0.0.1/" + "x" * 3000,
    "",
    "https://127.0.0.1/\x00",
]
BAD: list[dict[str, Any]] = [
    {"url": 1},
    {"types": "sample.made"},
    {"types": [1]},
    {"types": None},
    {"types": ["sample.made"] * 101},
    {"from_": 1},
    {"secret": "whsec_mine"},
    {"position": 1},
    {"inactive_because": "gone"},
]


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def events_of(stage: Stage, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """The log's events of a webhook."""
    await stage.drain()
    answer = await stage.client.get(f"/v1/events?subject_id={webhook['id']}", headers=stage.headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


class TestCreate:
    async def test_answer(self, stage: Stage) -> None:
        """A new webhook is active, stands at the present end of the log, and shows its secret this once."""
        await stage.happen(2)
        head = await stage.drain()
        answer = await stage.request("POST", json={"url": URL, "types": ["sample.made", "sample.made"]})
        created = answer.json()
        assert (answer.status_code, answer.headers["Location"]) == (201, f"/v1/webhooks/{created['id']}")
        secret = created.pop("secret")
        assert secret.startswith("whsec_")
        assert created["url"] == URL
        assert (created["types"], created["active"], created["position"]) == (["sample.made"], True, head)
        assert created["created_by"] == stage.admin.id
        assert await stage.read(created) == created

    async def test_event(self, stage: Stage) -> None:
        """Its event names the host and the types, not the rest of the address, which may contain a token."""
        webhook = await stage.create("https://127.0.0.1:9/token?key=canary", types=["sample.made"])
        [event] = await events_of(stage, webhook)
        assert event["type"] == "webhook.created"
        assert event["changes"] == {
            "host": {"from": None, "to": "127.0.0.1"},
            "types": {"from": None, "to": ["sample.made"]},
        }

    async def test_url(self, stage: Stage) -> None:
        """An address that isn't https, or whose host isn't public, is refused; so is a change to it."""
        webhook = await stage.create(URL)
        for url, (method, rest) in product(REFUSED, (("POST", ""), ("PATCH", f"/{webhook['id']}"))):
            answer = await stage.request(method, rest, json={"url": url})
            assert code_of(answer) == (400, "webhook_url_refused"), (method, url)
        assert (await stage.read(webhook))["url"] == URL

    async def test_unknown_type(self, stage: Stage) -> None:
        """A type that no plugin declares is refused, and the answer names which one it is."""
        webhook = await stage.create(URL)
        body = {"url": URL, "types": ["sample.made", "sample.unknown"]}
        for method, rest in (("POST", ""), ("PATCH", f"/{webhook['id']}")):
            answer = await stage.request(method, rest, json=body)
            assert code_of(answer) == (400, "unknown_event_type")
            assert [error["pointer"] for error in answer.json()["errors"]] == ["#/types/1"]

    async def test_bad_bodies(self, stage: Stage) -> None:
        """Whatever isn't one of the three fields, or not of its type, is refused and creates nothing."""
        for body in [*BAD, {}, {"from": -1}, {"from": 2**63}, {"from": "1"}, {"from": True}, {"active": False}]:
            answer = await stage.request("POST", json={"url": URL, **body} if body else {})
            assert code_of(answer) == (400, "validation_error"), body
        assert (await stage.request("GET")).json()["total"] == 0


class TestAtMost:
    @pytest.fixture
    def core_settings(self, core_settings: CoreSettings) -> CoreSettings:
        """Settings with time enough for twenty transactions in a row on a busy machine."""
        return core_settings.model_copy(update={"request_timeout_seconds": 60})

    async def test_ten_at_most(self, stage: Stage) -> None:
        """Of 20 concurrent ones exactly 10 are created; a deleted one makes room for another."""
        async with stage.another_worker() as other:
            clients = [stage.client, other] * 10
            posts = (client.post("/v1/webhooks", json={"url": URL}, headers=stage.headers) for client in clients)
            answers = await asyncio.gather(*posts)
        created = [answer.json() for answer in answers if answer.status_code == 201]
        refused = [code_of(answer) for answer in answers if answer.status_code != 201]
        assert (len(created), refused) == (10, [(400, "too_many_webhooks")] * 10)
        assert (await stage.request("DELETE", f"/{created[3]['id']}")).status_code == 204
        await stage.create(URL)
        assert code_of(await stage.request("POST", json={"url": URL})) == (400, "too_many_webhooks")


class TestNotConfigured:
    @pytest.fixture
    def settings(self, ca_file: Path) -> WebhooksSettings:
        return webhooks_settings(ca_file, webhooks_key=None)

    async def test_no_key(self, stage: Stage) -> None:
        """Without a key the application runs, but no webhook can be created."""
        assert code_of(await stage.request("POST", json={"url": URL})) == (400, "webhooks_not_configured")
        assert (await stage.request("GET")).json()["items"] == []


class TestList:
    async def test_pages(self, stage: Stage) -> None:
        """The list has all webhooks, oldest first, page by page, without their secrets."""
        created = []
        for _ in range(3):
            created.append(await stage.create(URL))
            stage.clock.move(timedelta(seconds=1))
        first = (await stage.request("GET", "?limit=2")).json()
        rest = (await stage.client.get(first["next"], headers=stage.headers)).json()
        assert (first["total"], rest["next"]) == (3, None)
        assert [item["id"] for item in first["items"] + rest["items"]] == [webhook["id"] for webhook in created]
        assert all("secret" not in item for item in first["items"])

    async def test_while_others_write(self, stage: Stage) -> None:
        """A walk meets each webhook that stays once, while those that it has met go and others come."""
        created = [await stage.create(URL) for _ in range(6)]
        first = (await stage.request("GET", "?limit=2")).json()
        for shown in first["items"]:
            assert (await stage.request("DELETE", f"/{shown['id']}")).status_code == 204
        stage.clock.move(timedelta(seconds=1))
        new = await stage.create(URL)
        pages = [first]
        while following := pages[-1]["next"]:
            pages.append((await stage.client.get(following, headers=stage.headers)).json())
        seen = [item["id"] for page in pages for item in page["items"]]
        assert len(seen) == len(set(seen))
        assert set(seen) == {webhook["id"] for webhook in (*created, new)}


class TestUpdate:
    async def test_types_and_url(self, stage: Stage, inbox: Inbox) -> None:
        """New types and a new address hold for everything that is still to be delivered."""
        webhook = await stage.create(URL, types=["sample.made"])
        happened = await stage.happen(2)
        await stage.failed(webhook, 1)
        happened += await stage.happen(what="lost")
        answer = await stage.request("PATCH", f"/{webhook['id']}", json={"url": inbox.address, "types": []})
        assert (answer.status_code, answer.json()["url"], answer.json()["types"]) == (200, inbox.address, [])
        assert (answer.json()["failures"], answer.json()["next_attempt_at"]) == (0, None)
        await stage.delivered(webhook)
        samples = [d.id for d in inbox.deliveries if d.payload["type"].startswith("sample.")]
        assert samples == happened

    async def test_events(self, stage: Stage) -> None:
        """Each change is one event that names what changed; one that changes nothing is none."""
        webhook = await stage.create(URL, types=["sample.made"])
        changes: list[dict[str, Any]] = [
            {"types": ["sample.made"]},
            {},
            {"types": []},
            {"url": "https://127.0.0.2/"},
            {"active": False},
        ]
        for body in changes:
            answer = await stage.request("PATCH", f"/{webhook['id']}", json=body)
            assert answer.status_code == 200
        events = await events_of(stage, webhook)
        assert [(event["type"], event["changes"]) for event in events[1:]] == [
            ("webhook.updated", {"types": {"from": ["sample.made"], "to": []}}),
            ("webhook.updated", {"host": {"from": "127.0.0.1", "to": "127.0.0.2"}}),
            ("webhook.updated", {"active": {"from": True, "to": False}}),
        ]
        assert (await stage.read(webhook))["rev"] == 4

    async def test_pause(self, stage: Stage, inbox: Inbox) -> None:
        """A paused webhook gets nothing; made active again it gets all that happened meanwhile."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        paused = (await stage.request("PATCH", f"/{webhook['id']}", json={"active": False})).json()
        assert (paused["active"], paused["inactive_because"]) == (False, "paused")
        happened = await stage.happen(2)
        other = await stage.create(inbox.address, types=["sample.lost"])
        await stage.happen(what="lost")
        await stage.delivered(other)
        assert [delivery.payload["type"] for delivery in inbox.deliveries] == ["sample.lost"]
        active = (await stage.request("PATCH", f"/{webhook['id']}", json={"active": True})).json()
        assert (active["active"], active["inactive_because"]) == (True, None)
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries[1:]] == happened

    async def test_concurrent_changes(self, stage: Stage) -> None:
        """Two changes of different fields at once both survive."""
        webhook = await stage.create(URL)
        bodies: list[dict[str, Any]] = [{"types": ["sample.made"]}, {"active": False}, {"url": "https://127.0.0.2/"}]
        answers = await asyncio.gather(*(stage.request("PATCH", f"/{webhook['id']}", json=body) for body in bodies))
        assert [answer.status_code for answer in answers] == [200] * 3
        found = await stage.read(webhook)
        assert (found["types"], found["active"], found["url"]) == (["sample.made"], False, "https://127.0.0.2/")
        assert found["rev"] == 4

    async def test_bad_bodies(self, stage: Stage) -> None:
        """Whatever isn't one of the three fields, or not of its type, is refused."""
        webhook = await stage.create(URL)
        for body in [*BAD, {"active": None}, {"active": "true"}, {"url": None}, {"from": 1}]:
            answer = await stage.request("PATCH", f"/{webhook['id']}", json=body)
            assert code_of(answer) == (400, "validation_error"), body


class TestSecret:
    async def test_rotation(self, stage: Stage) -> None:
        """A rotation answers another secret, and its event says no more than that."""
        webhook = await stage.create(URL)
        answer = await stage.request("POST", f"/{webhook['id']}/secret")
        rotated = answer.json()
        assert answer.status_code == 200
        assert rotated["secret"].startswith("whsec_")
        assert rotated["secret"] != webhook["secret"]
        assert rotated["rev"] == 2
        *_, event = await events_of(stage, webhook)
        assert (event["type"], event["changes"]) == ("webhook.secret_rotated", {"secret": {"from": {}, "to": {}}})


class TestResume:
    async def test_an_active_one_tries_at_once(self, stage: Stage, inbox: Inbox) -> None:
        """Resuming an active webhook that waits for its next try has it tried now, and is no event."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.answer_with(500)
        await stage.happen()
        await stage.failed(webhook, 1)
        inbox.answer_with(204)
        assert (await stage.request("POST", f"/{webhook['id']}/resume")).status_code == 200
        await stage.delivered(webhook)
        assert len(inbox.deliveries) == 2
        assert [event["type"] for event in await events_of(stage, webhook)] == ["webhook.created"]

    async def test_event(self, stage: Stage) -> None:
        """Resuming an inactive one is an event."""
        webhook = await stage.create(URL)
        await stage.request("PATCH", f"/{webhook['id']}", json={"active": False})
        assert (await stage.request("POST", f"/{webhook['id']}/resume")).json()["active"] is True
        *_, event = await events_of(stage, webhook)
        assert (event["type"], event["changes"]) == ("webhook.resumed", {"active": {"from": False, "to": True}})


class TestDelete:
    async def test_it_is_gone(self, stage: Stage, inbox: Inbox) -> None:
        """A deleted webhook is found nowhere and gets nothing; its address and secrets are nowhere in the database."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        await stage.happen()
        await stage.delivered(webhook)
        assert (await stage.request("DELETE", f"/{webhook['id']}")).status_code == 204
        await stage.happen()
        other = await stage.create(inbox.address, types=["sample.lost"])
        await stage.happen(what="lost")
        await stage.delivered(other)
        assert [delivery.payload["type"] for delivery in inbox.deliveries] == ["sample.made", "sample.lost"]
        for method, rest in (
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "/secret"),
            ("POST", "/ping"),
            ("POST", "/resume"),
            ("GET", "/attempts"),
            ("POST", "/attempts/1/resend"),
        ):
            body = {"active": True} if method == "PATCH" else None
            answer = await stage.request(method, f"/{webhook['id']}{rest}", json=body)
            assert code_of(answer) == (404, "webhook_not_found"), (method, rest)
        stored = await stage.database["webhooks"].find_one({"_id": webhook["id"]})
        assert stored is not None
        assert not {"url", "secrets"} & stored.keys()
        assert await stage.database["webhook_deliveries"].find_one({"_id": webhook["id"]}) is None
        *_, event = await events_of(stage, webhook)
        assert event["type"] == "webhook.deleted"

    async def test_unknown(self, stage: Stage) -> None:
        """An id that is no webhook's is 404, a malformed one 400."""
        assert code_of(await stage.request("DELETE", f"/{new_id()}")) == (404, "webhook_not_found")
        assert code_of(await stage.request("DELETE", "/nonsense")) == (400, "invalid_id")
