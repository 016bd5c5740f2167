"""Deliveries: everything, in the order of the log, one at a time, signed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from standardwebhooks import WebhookVerificationError

from parley_webhooks.testing import Delivery, Inbox, Names

if TYPE_CHECKING:
    import trustme
    from conftest import Stage

    from parley_core.testing.metrics import Metrics

HOUR = timedelta(hours=1)


class TestInOrder:
    async def test_everything_once(self, stage: Stage, inbox: Inbox) -> None:
        """Each event arrives once, in the order of the log, one at a time, with the event's own id."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        happened = await stage.happen(30)
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened
        assert [delivery.position for delivery in inbox.deliveries] == sorted(d.position for d in inbox.deliveries)
        assert inbox.most_at_once == 1

    async def test_measured(self, stage: Stage, inbox: Inbox, metrics: Metrics) -> None:
        """Each attempt is counted by its outcome, with the age of its event."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        await stage.happen(2)
        await stage.delivered(webhook)
        assert metrics.value("parley.webhooks.deliveries", outcome="delivered") == 2
        assert (metrics.value("parley.webhooks.lag"), metrics.total("parley.webhooks.lag")) == (2, 0)
        inbox.answer_with(500)
        await stage.happen(1)
        await stage.failed(webhook, 1)
        inbox.answer_with(204)
        await stage.move(HOUR)
        await stage.delivered(webhook)
        assert metrics.value("parley.webhooks.deliveries", outcome="failed") == 1
        assert metrics.value("parley.webhooks.deliveries", outcome="delivered") == 3
        assert metrics.total("parley.webhooks.lag") == HOUR.total_seconds()

    async def test_payload(self, stage: Stage, inbox: Inbox) -> None:
        """A delivery contains the type, the time, and the event as GET /events answers it."""
        await stage.create(inbox.address, types=["sample.made"])
        [happened] = await stage.happen(changes={"size": (None, 3)}, reason="A test.")
        [delivery] = await inbox.wait_for(1)
        page = (await stage.client.get("/v1/events?type=sample.made", headers=stage.headers)).json()
        [event] = page["items"]
        assert delivery.payload == {"type": "sample.made", "timestamp": event["at"], "data": event}
        assert event["id"] == happened == delivery.id
        assert delivery.headers["content-type"] == "application/json"

    async def test_wanted_types_alone(self, stage: Stage, inbox: Inbox) -> None:
        """Only wanted types arrive; the position passes the others by."""
        webhook = await stage.create(inbox.address, types=["sample.lost"])
        await stage.happen(3)
        found = await stage.delivered(webhook)
        assert inbox.deliveries == []
        lost = await stage.happen(what="lost")
        await stage.happen(3)
        found = await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == lost
        assert found["failures"] == 0

    async def test_all_types_by_default(self, stage: Stage, inbox: Inbox) -> None:
        """Without types everything arrives, the webhook's own creation included."""
        webhook = await stage.create(inbox.address)
        await stage.happen(1)
        await stage.happen(what="lost")
        await stage.delivered(webhook)
        assert [delivery.payload["type"] for delivery in inbox.deliveries] == [
            "webhook.created",
            "sample.made",
            "sample.lost",
        ]

    async def test_from(self, stage: Stage, inbox: Inbox, authority: trustme.CA) -> None:
        """`from` 0 brings everything that ever happened, another position what follows it, none what comes."""
        early = await stage.happen(5)
        first = (await stage.client.get("/v1/events?type=sample.made", headers=stage.headers)).json()["items"][0]
        async with Inbox(authority) as all_of_it, Inbox(authority) as rest:
            await stage.create(all_of_it.address, types=["sample.made"], **{"from": 0})
            await stage.create(rest.address, types=["sample.made"], **{"from": first["position"]})
            await stage.create(inbox.address, types=["sample.made"])
            late = await stage.happen(2)
            await all_of_it.wait_for(7)
            await rest.wait_for(6)
            await inbox.wait_for(2)
        assert [delivery.id for delivery in all_of_it.deliveries] == early + late
        assert [delivery.id for delivery in rest.deliveries] == early[1:] + late
        assert [delivery.id for delivery in inbox.deliveries] == late

    async def test_another_worker_wrote_it(self, stage: Stage, inbox: Inbox) -> None:
        """What happens on another worker arrives too."""
        await stage.create(inbox.address, types=["user.created"])
        async with stage.another_worker() as client:
            body = {"email": "ada@example.com", "password": "nine green bottles", "role": "candidate"}
            created = (await client.post("/v1/users", json=body, headers=stage.headers)).json()
            [delivery] = await inbox.wait_for(1)
        assert delivery.payload["data"]["subject_id"] == created["id"]

    async def test_too_large(self, stage: Stage, inbox: Inbox) -> None:
        """An event that is too large for a delivery comes without the values that changed; the next one follows."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        names = [f"field_{number}" for number in range(500)]
        happened = await stage.happen(changes=dict.fromkeys(names, (None, "x" * 190)))
        happened += await stage.happen()
        await stage.delivered(webhook)
        large, _ = inbox.deliveries
        assert [delivery.id for delivery in inbox.deliveries] == happened
        assert len(large.body) < 64 * 1024
        assert large.verify(webhook["secret"])["data"]["changes"] == {name: {} for name in names}


class TestFailures:
    async def test_down_for_an_hour(self, stage: Stage, authority: trustme.CA) -> None:
        """A receiver that was away for an hour gets everything that happened meanwhile, in order, and each once."""
        async with Inbox(authority) as before:
            webhook = await stage.create(before.address, types=["sample.made"])
            port = int(before.address.split(":")[2].split("/")[0])
        happened = await stage.happen(3)
        found = await stage.failed(webhook, 1)
        for failures, seconds in enumerate((5, 30, 120, 600, 3600), start=2):
            happened += await stage.happen(2)
            await stage.move(timedelta(seconds=seconds))
            if failures < 6:
                found = await stage.failed(webhook, failures)
                continue
            break
        assert found["failing_since"] < found["next_attempt_at"]
        async with Inbox(authority, port=port) as after:
            await stage.move(HOUR)
            await stage.delivered(webhook)
        assert [delivery.id for delivery in after.deliveries] == happened
        attempts = await stage.attempts(webhook, len(happened) + 5)
        assert {attempt["reason"] for attempt in attempts} == {"connection", None}

    @pytest.mark.parametrize("status", [302, 404, 500])
    async def test_another_answer_for_an_hour(self, stage: Stage, inbox: Inbox, status: int) -> None:
        """After an hour of any answer that isn't 2xx nothing is lost: all of it arrives afterwards, in order."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.answer_with(status)
        happened = await stage.happen(3)
        for failures, seconds in enumerate((0, 5, 30, 120, 600), start=1):
            await stage.move(timedelta(seconds=seconds))
            await stage.failed(webhook, failures)
        assert {delivery.id for delivery in inbox.deliveries} == {happened[0]}
        inbox.deliveries.clear()
        inbox.answer_with(200)
        await stage.move(HOUR)
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened

    @pytest.mark.parametrize("status", [400, 413, 422])
    async def test_one_event_is_never_taken(self, stage: Stage, inbox: Inbox, status: int) -> None:
        """An event that is refused three times within a minute is noted as refused, and the next one follows."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        [before] = await stage.happen()
        await stage.delivered(webhook)
        inbox.status_of = lambda delivery: 204 if delivery.payload["data"]["changes"] == {} else status
        [never] = await stage.happen(changes={"size": (1, 2)})
        [after] = await stage.happen()
        await stage.failed(webhook, 1)
        await stage.move(timedelta(seconds=5))
        await stage.failed(webhook, 2)
        await stage.move(timedelta(seconds=30))
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == [before, never, never, never, after]
        outcomes = [(attempt["outcome"], attempt["status"]) for attempt in await stage.attempts(webhook, 5)]
        assert outcomes == [
            ("delivered", 204),
            ("failed", status),
            ("failed", status),
            ("refused", status),
            ("delivered", 204),
        ]

    async def test_retry_after(self, stage: Stage, inbox: Inbox) -> None:
        """The receiver's Retry-After says when the next try comes."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.status_of, inbox.headers = (lambda _: 503), ["Retry-After: 1800"]
        await stage.happen()
        found = await stage.failed(webhook, 1)
        await stage.move(timedelta(seconds=1799))
        assert (await stage.read(webhook))["next_attempt_at"] == found["next_attempt_at"]
        inbox.answer_with(204)
        await stage.move(timedelta(seconds=1))
        await stage.delivered(webhook)
        assert len(inbox.deliveries) == 2

    async def test_a_name_turns_private(self, stage: Stage, inbox: Inbox, names: Names) -> None:
        """Where a name leads to a private address after its registration, nothing is sent, and nothing is lost."""
        names.set("hooks.example.com", ["127.0.0.1"], ["10.0.0.1"])
        webhook = await stage.create(inbox.url("hooks.example.com"), types=["sample.made"])
        happened = await stage.happen(2)
        await stage.failed(webhook, 1)
        [attempt] = await stage.attempts(webhook, 1)
        assert (attempt["outcome"], attempt["status"], attempt["reason"]) == ("failed", None, "refused")
        assert inbox.connections == 0
        await stage.request("PATCH", f"/{webhook['id']}", json={"url": inbox.address})
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened

    async def test_gone(self, stage: Stage, inbox: Inbox) -> None:
        """410 makes the webhook inactive at once; nothing is sent until it is resumed, then it goes on there."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.answer_with(410)
        happened = await stage.happen(2)
        found = await stage.until(webhook, lambda found: not found["active"])
        assert found["inactive_because"] == "gone"
        await stage.move(HOUR)
        happened += await stage.happen()
        assert [delivery.id for delivery in inbox.deliveries] == happened[:1]
        inbox.answer_with(204)
        resumed = await stage.request("POST", f"/{webhook['id']}/resume")
        assert (resumed.status_code, resumed.json()["active"], resumed.json()["inactive_because"]) == (200, True, None)
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == [happened[0], *happened]

    async def test_five_days(self, stage: Stage, inbox: Inbox) -> None:
        """After five days of failures of one event the system deactivates the webhook, which keeps its position."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.answer_with(500)
        happened = await stage.happen(2)
        failing = await stage.failed(webhook, 1)
        await stage.move(timedelta(days=5))
        found = await stage.until(webhook, lambda found: not found["active"])
        assert (found["inactive_because"], found["position"]) == ("failing", failing["position"])
        await stage.drain()
        page = await stage.client.get("/v1/events?type=webhook.deactivated", headers=stage.headers)
        [event] = page.json()["items"]
        assert (event["subject_id"], event["actor"], event["actor_role"]) == (webhook["id"], None, "system")
        inbox.answer_with(204)
        inbox.deliveries.clear()
        await stage.request("POST", f"/{webhook['id']}/resume")
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened

    async def test_one_failing_receiver_delays_no_other(self, stage: Stage, inbox: Inbox) -> None:
        """Another webhook is delivered while one fails."""
        failing = await stage.create("https://127.0.0.1:9/", types=["sample.made"])
        await stage.create(inbox.address, types=["sample.made"])
        happened = await stage.happen(2)
        await stage.failed(failing, 1)
        assert [delivery.id for delivery in await inbox.wait_for(2)] == happened


class TestSignatures:
    async def test_first_try_retry_and_resend(self, stage: Stage, inbox: Inbox) -> None:
        """Each delivery verifies with Standard Webhooks, also a retry and a resend, under the same id."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        answers = iter([500, 204, 204])
        inbox.status_of = lambda _: next(answers)
        [happened] = await stage.happen()
        await stage.failed(webhook, 1)
        await stage.move(timedelta(seconds=5))
        await stage.delivered(webhook)
        resent = await stage.request("POST", f"/{webhook['id']}/attempts/{inbox.deliveries[0].position}/resend")
        assert (resent.status_code, resent.json()["outcome"]) == (200, "delivered")
        deliveries = await inbox.wait_for(3)
        assert {delivery.id for delivery in deliveries} == {happened}
        assert len({delivery.body for delivery in deliveries}) == 1
        for delivery in deliveries:
            assert delivery.verify(webhook["secret"])["data"]["id"] == happened

    async def test_rotation(self, stage: Stage, inbox: Inbox) -> None:
        """For 24 hours both secrets verify, then the new one alone; a second rotation ends the first secret at once."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        old, new, newest = webhook["secret"], "", ""

        async def verified_by() -> list[bool]:
            inbox.deliveries.clear()
            await stage.happen()
            [delivery] = await inbox.wait_for(1)
            await stage.delivered(webhook)
            return [_verifies(delivery, secret) for secret in (old, new, newest) if secret]

        assert await verified_by() == [True]
        new = (await stage.request("POST", f"/{webhook['id']}/secret")).json()["secret"]
        assert await verified_by() == [True, True]
        await stage.move(timedelta(hours=23, minutes=59))
        assert await verified_by() == [True, True]
        await stage.move(timedelta(minutes=1))
        assert await verified_by() == [False, True]
        newest = (await stage.request("POST", f"/{webhook['id']}/secret")).json()["secret"]
        assert await verified_by() == [False, True, True]
        another = (await stage.request("POST", f"/{webhook['id']}/secret")).json()["secret"]
        assert await verified_by() == [False, False, True]
        assert len({old, new, newest, another}) == 4

    async def test_a_wrong_secret_is_noticed(self, stage: Stage, inbox: Inbox) -> None:
        """Negative control: another webhook's secret verifies nothing, and neither does a changed body."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        foreign = await stage.create(inbox.address, types=["sample.lost"])
        await stage.happen()
        [delivery] = await inbox.wait_for(1)
        assert _verifies(delivery, webhook["secret"])
        assert not _verifies(delivery, foreign["secret"])
        changed = Delivery(delivery.line, delivery.headers, delivery.body.replace(b"sample.made", b"sample.lost"))
        assert not _verifies(changed, webhook["secret"])


def _verifies(delivery: Delivery, secret: str) -> bool:
    try:
        delivery.verify(secret)
    except WebhookVerificationError:
        return False
    return True
