"""Deliveries that an administrator asks for, and the list of attempts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from parley_webhooks.policy import MAX_LISTED
from parley_webhooks.testing import Inbox, webhooks_settings

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Stage


class TestPing:
    async def test_answer(self, stage: Stage, inbox: Inbox) -> None:
        """A ping delivers a signed test event and answers what came back; it is an attempt without a position."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        answer = await stage.request("POST", f"/{webhook['id']}/ping")
        [delivery] = inbox.deliveries
        payload = delivery.verify(webhook["secret"])
        assert (payload["type"], payload["data"]) == ("webhook.ping", {"webhook_id": webhook["id"]})
        ping = answer.json()
        assert answer.status_code == 200
        assert (ping["outcome"], ping["status"], ping["reason"], ping["position"]) == ("delivered", 204, None, None)
        assert ping["event_id"] == delivery.id
        assert await stage.attempts(webhook) == [ping]

    @pytest.mark.parametrize("status", [301, 410, 500])
    async def test_a_failure_changes_nothing(self, stage: Stage, inbox: Inbox, status: int) -> None:
        """A ping that fails says how, and neither the position nor the schedule nor the activity changes."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.answer_with(status)
        before = await stage.delivered(webhook)
        ping = (await stage.request("POST", f"/{webhook['id']}/ping")).json()
        assert (ping["outcome"], ping["status"]) == ("failed", status)
        assert await stage.read(webhook) == before

    async def test_nobody_answers(self, stage: Stage) -> None:
        """Where nobody answers, the reason is a word."""
        webhook = await stage.create("https://127.0.0.1:9/")
        ping = (await stage.request("POST", f"/{webhook['id']}/ping")).json()
        assert (ping["outcome"], ping["status"], ping["reason"]) == ("failed", None, "connection")

    async def test_longer_than_a_request(self, stage: Stage, inbox: Inbox) -> None:
        """A receiver may take longer than the request's time for database work."""
        webhook = await stage.create(inbox.address)
        inbox.seconds = 1.0
        stage.parley.request_timeout_seconds = 0.5
        answer = await stage.request("POST", f"/{webhook['id']}/ping")
        assert (answer.status_code, answer.json()["outcome"]) == (200, "delivered")

    async def test_another_key(self, stage: Stage, inbox: Inbox, ca_file: Path) -> None:
        """Where the secret was sealed with a key that is gone, nothing is sent, and the reason says so."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        stage.settings[-1] = webhooks_settings(ca_file)
        async with stage.another_worker() as client:
            ping = (await client.post(f"/v1/webhooks/{webhook['id']}/ping", headers=stage.headers)).json()
        assert (ping["outcome"], ping["status"], ping["reason"]) == ("failed", None, "secret")
        assert inbox.deliveries == []

    async def test_inactive(self, stage: Stage, inbox: Inbox) -> None:
        """An inactive webhook can be tested before it is resumed."""
        webhook = await stage.create(inbox.address)
        await stage.request("PATCH", f"/{webhook['id']}", json={"active": False})
        assert (await stage.request("POST", f"/{webhook['id']}/ping")).json()["outcome"] == "delivered"


class TestResend:
    async def test_any_event(self, stage: Stage, inbox: Inbox) -> None:
        """Any event of the log can be sent, wanted or not; the position stays."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        [lost] = await stage.happen(what="lost")
        position = (await stage.delivered(webhook))["position"]
        answer = await stage.request("POST", f"/{webhook['id']}/attempts/{position}/resend")
        assert (answer.status_code, answer.json()["event_id"]) == (200, lost)
        assert answer.json()["position"] == position
        [delivery] = inbox.deliveries
        assert delivery.verify(webhook["secret"])["data"]["id"] == lost
        assert (await stage.read(webhook))["position"] == position

    @pytest.mark.parametrize(
        ("position", "expected"),
        [
            ("999999", (404, "event_not_found")),
            (str(2**63 - 1), (404, "event_not_found")),
            ("0", (400, "validation_error")),
            ("-1", (400, "validation_error")),
            ("x", (400, "validation_error")),
            (str(2**63), (400, "validation_error")),
        ],
    )
    async def test_bad_positions(self, stage: Stage, position: str, expected: tuple[int, str]) -> None:
        """A position that the log doesn't have is 404, what is no position 400."""
        webhook = await stage.create("https://127.0.0.1:9/")
        answer = await stage.request("POST", f"/{webhook['id']}/attempts/{position}/resend")
        assert (answer.status_code, answer.json()["code"]) == expected


class TestAttempts:
    async def test_newest_first(self, stage: Stage, inbox: Inbox) -> None:
        """The list has each attempt of this webhook, newest first, page by page, and nothing of what was answered."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        other = await stage.create(inbox.address, types=["sample.lost"])
        happened = await stage.happen(5)
        await stage.happen(what="lost")
        await stage.delivered(webhook)
        await stage.delivered(other)
        await stage.attempts(webhook, 5)
        first = (await stage.request("GET", f"/{webhook['id']}/attempts?limit=3")).json()
        rest = (await stage.client.get(first["next"], headers=stage.headers)).json()
        assert (first["total"], rest["next"]) == (5, None)
        items = first["items"] + rest["items"]
        assert [item["event_id"] for item in items] == happened[::-1]
        assert items[0].keys() == {
            "id",
            "position",
            "event_id",
            "type",
            "at",
            "outcome",
            "status",
            "reason",
            "milliseconds",
        }

    async def test_while_others_come(self, stage: Stage, inbox: Inbox) -> None:
        """A walk meets each attempt once, while new ones come before them and one that was met is removed."""
        webhook = await stage.create(inbox.address)
        for _ in range(6):
            await stage.request("POST", f"/{webhook['id']}/ping")
        met = [item["id"] for item in reversed(await stage.attempts(webhook, 6))]
        page = (await stage.request("GET", f"/{webhook['id']}/attempts?limit=2")).json()
        seen = [item["id"] for item in page["items"]]
        while page["next"]:
            await stage.stored_attempts.delete_one({"_id": seen[-1]})
            await stage.request("POST", f"/{webhook['id']}/ping")
            page = (await stage.client.get(page["next"], headers=stage.headers)).json()
            seen += [item["id"] for item in page["items"]]
        assert seen == met

    async def test_thirty_days(self, stage: Stage, inbox: Inbox) -> None:
        """MongoDB removes an attempt thirty days after it."""
        webhook = await stage.create(inbox.address)
        at = stage.clock()
        await stage.request("POST", f"/{webhook['id']}/ping")
        [stored] = await stage.stored_attempts.find().to_list()
        assert stored["expires_at"] == at + timedelta(days=30)
        indexes = await stage.database["webhook_attempts"].index_information()
        assert indexes["forget"]["key"] == [("expires_at", 1)]
        assert indexes["forget"]["expireAfterSeconds"] == 0

    async def test_ten_thousand_at_most(self, stage: Stage, inbox: Inbox) -> None:
        """Of more than 10,000 the newest ones are listed, so that no page and no total costs more than these."""
        webhook = await stage.create(inbox.address)
        await stage.request("POST", f"/{webhook['id']}/ping")
        attempts = stage.stored_attempts
        [stored] = await attempts.find().to_list()
        await attempts.insert_many(
            [
                {**stored, "_id": f"{n:024x}", "at": stored["at"] - timedelta(seconds=n)}
                for n in range(1, MAX_LISTED + 50)
            ]
        )
        page = (await stage.request("GET", f"/{webhook['id']}/attempts?limit=100&offset=9950")).json()
        assert (page["total"], len(page["items"]), page["next"]) == (MAX_LISTED, 50, None)
        beyond = await stage.request("GET", f"/{webhook['id']}/attempts?offset={MAX_LISTED}")
        assert (beyond.status_code, beyond.json()["code"]) == (400, "validation_error")

    async def test_index(self, stage: Stage, inbox: Inbox) -> None:
        """The list is read in the order of an index."""
        webhook = await stage.create(inbox.address)
        await stage.request("POST", f"/{webhook['id']}/ping")
        found = stage.database["webhook_attempts"].find({"webhook_id": webhook["id"]}).sort([("at", -1), ("_id", -1)])
        plan = str((await found.explain())["queryPlanner"]["winningPlan"])
        assert "'newest'" in plan
        assert "SORT" not in plan
        assert "COLLSCAN" not in plan
