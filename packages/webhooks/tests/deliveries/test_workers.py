"""Several workers: one delivers a webhook at a time, and another goes on where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from pymongo.read_concern import ReadConcern

import parley_auth.plugin
import parley_events.plugin
from parley_core.testing import running_client
from parley_webhooks.bell import Bell
from parley_webhooks.deliveries.dispatcher import Dispatcher
from parley_webhooks.deliveries.repository import DeliveryRepository, LeaseLost
from parley_webhooks.models import Progress
from parley_webhooks.testing import Inbox

if TYPE_CHECKING:
    from conftest import Stage


def wake(*workers: FastAPI) -> None:
    """Have the dispatcher of each worker look."""
    for worker in workers:
        worker.state.parley.require(Bell).ring()


class TestOneAtATime:
    async def test_two_workers(self, stage: Stage, inbox: Inbox) -> None:
        """Of two busy workers only one delivers at a time; each event arrives once and in order."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.seconds = 0.01
        other = stage.application()
        happened = []
        async with running_client(other):
            for _ in range(10):
                happened += await stage.happen(3)
                wake(other, stage.app)
            await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened
        assert inbox.most_at_once == 1

    async def test_a_slow_receiver(self, stage: Stage, inbox: Inbox) -> None:
        """While an answer is awaited on one worker, the other one sends nothing to the same webhook."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.seconds = 1.0
        other = stage.application()
        async with running_client(other):
            happened = await stage.happen(2)
            while inbox.under_way or len(inbox.deliveries) < 2:
                wake(other, stage.app)
                await asyncio.sleep(0.05)
            await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened
        assert inbox.most_at_once == 1


class TestQuiet:
    async def test_nothing_is_polled(self, stage: Stage, inbox: Inbox) -> None:
        """A worker whose webhooks have everything asks nothing about them, until the log goes on."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        await stage.happen()
        await stage.delivered(webhook)
        await asyncio.sleep(0.6)  # a look may follow what was just delivered
        assert await _queries(stage, asyncio.sleep(0.8)) == 0
        assert await _queries(stage, stage.happen()) > 0


async def _queries(stage: Stage, meanwhile: Awaitable[object]) -> int:
    """How many operations on webhooks there are meanwhile, apart from the relay's, which looks for new entries."""
    await stage.database.command("profile", 2)
    try:
        await meanwhile
    finally:
        await stage.database.command("profile", 0)
    profile = stage.database["system.profile"]
    found = await profile.find({"ns": {"$regex": r"\.webhook"}}).to_list()
    count = sum("history.0.rev" not in str(operation["command"]) for operation in found)
    await profile.drop()
    return count


class TestDefect:
    async def test_deliveries_go_on(
        self, stage: Stage, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A look that fails for whatever reason is reported, and the next one delivers."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        failed = asyncio.Event()

        async def fail(_deliveries: DeliveryRepository) -> None:
            failed.set()
            raise LookupError("a defect")

        with monkeypatch.context() as broken:
            broken.setattr(DeliveryRepository, "candidates", fail)
            happened = await stage.happen(1)
            wake(stage.app)
            await failed.wait()
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened
        assert "a defect" in caplog.text


class TestLease:
    async def test_a_killed_worker(self, stage: Stage, inbox: Inbox) -> None:
        """The lease of a worker that is gone expires by the server's time, and another one delivers."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        killed = DeliveryRepository(stage.database, lease_seconds=1.0)
        lease = await killed.acquire(webhook["id"])
        assert lease is not None
        happened = await stage.happen(2)
        await stage.move(timedelta(hours=1))
        assert inbox.deliveries == []
        await inbox.wait_for(2)
        await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened
        with pytest.raises(LeaseLost):
            await killed.note(lease, Progress(position=999))
        await killed.release(lease)
        assert (await stage.read(webhook))["position"] < 999

    async def test_only_one_gets_it(self, stage: Stage) -> None:
        """Of many who want a lease at once one gets it, and the next one only when it was released."""
        webhook = await stage.create("https://127.0.0.1:9/")
        await stage.request("PATCH", f"/{webhook['id']}", json={"active": False})
        repository = DeliveryRepository(stage.database)
        leases = await asyncio.gather(*(repository.acquire(webhook["id"]) for _ in range(20)))
        [lease] = [lease for lease in leases if lease]
        assert await repository.acquire(webhook["id"]) is None
        await repository.release(lease)
        assert await repository.acquire(webhook["id"]) is not None

    async def test_a_note_renews_it(self, stage: Stage) -> None:
        """Each note makes the lease last its whole time again, by the server's time."""
        webhook = await stage.create("https://127.0.0.1:9/")
        await stage.request("PATCH", f"/{webhook['id']}", json={"active": False})
        repository = DeliveryRepository(stage.database)
        lease = await repository.acquire(webhook["id"])
        assert lease is not None
        deliveries = stage.database.get_collection("webhook_deliveries", read_concern=ReadConcern("local"))
        before = await deliveries.find_one({"_id": webhook["id"]})
        await repository.note(lease, lease.progress)
        after = await deliveries.find_one({"_id": webhook["id"]})
        assert before
        assert after
        assert before["lease"]["until"] < after["lease"]["until"]
        assert before["lease"]["token"] == after["lease"]["token"]


class TestStop:
    async def test_what_is_under_way_is_noted(self, stage: Stage, inbox: Inbox) -> None:
        """A worker that stops waits for the answer that it is owed, notes it and gives the lease back."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        inbox.seconds = 0.5
        happened = await stage.happen(3)
        await inbox.wait_for(1)
        async with AsyncExitStack() as stack:
            other = stage.application()
            dispatcher = stage.parley.require(Dispatcher)
            dispatcher.stop()
            await stack.enter_async_context(running_client(other))
            await inbox.wait_for(3)
            await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened

    async def test_uninstalled_and_installed_again(self, stage: Stage, inbox: Inbox) -> None:
        """While webhooks aren't installed the application works; installed again they go on where they stood."""
        webhook = await stage.create(inbox.address, types=["sample.made"])
        happened = await stage.happen(2)
        await stage.delivered(webhook)
        stage.parley.require(Dispatcher).stop()
        without = stage.application(parley_auth.plugin, parley_events.plugin)
        async with running_client(without) as client:
            answer = await client.get("/v1/events", headers=stage.headers)
            assert answer.status_code == 200
            assert (await client.get("/v1/webhooks", headers=stage.headers)).status_code == 404
            happened += await stage.happen(3)
        async with stage.another_worker():
            await inbox.wait_for(5)
            await stage.delivered(webhook)
        assert [delivery.id for delivery in inbox.deliveries] == happened

    async def test_events_are_uninstalled(self, stage: Stage) -> None:
        """Without events and webhooks the application works."""
        async with running_client(stage.application(parley_auth.plugin)) as client:
            assert (await client.get("/v1/users", headers=stage.headers)).status_code == 200
