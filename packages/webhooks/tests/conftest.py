"""Fixtures of the tests of webhooks: a running application on a clock that tests move, and receivers.

Other test modules import these classes for their types only: pytest gives them the objects.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from fastapi import FastAPI
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

import parley_auth.plugin
import parley_events.plugin
import parley_webhooks.plugin
from parley_auth.testing import Account, an_account, auth_settings, log_in, roles_plugin
from parley_core import (
    Actor,
    CollectionIndexes,
    Database,
    Document,
    Event,
    EventLog,
    EventType,
    Parley,
    Settings,
    insert_recorded,
    new_id,
    utc_now,
)
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import MovableClock, a_plugin, an_application, running_client
from parley_webhooks.bell import Bell
from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.testing import Inbox, Names, SenderOf, webhooks_settings
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.sender import Sender

TEAM = roles_plugin("interviewer", registers="candidate")


ADDRESS = "/v1/webhooks"
TYPES = {word: EventType(f"sample.{word}", f"A sample was {word}.") for word in ("made", "lost")}


class Stage:
    """A running application, an administrator and what tests do with them."""

    def __init__(self, settings: Sequence[Settings], clock: MovableClock) -> None:
        self.settings = list(settings)
        self.clock = clock
        self.app = self.application()
        self.client: httpx.AsyncClient
        self.admin: Account
        self.headers: dict[str, str] = {}

    def application(self, *plugins: object) -> FastAPI:
        """A worker of the application, with all plugins or with some of them."""
        owned = CollectionIndexes("samples", (), recorded=True)
        samples = a_plugin("samples", parley_events=list(TYPES.values()), parley_indexes=[owned])
        installed = plugins or (parley_auth.plugin, TEAM, parley_events.plugin, parley_webhooks.plugin)
        return an_application(self.settings, [*installed, samples], clock=self.clock)

    def another_worker(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """A client of a second application on the same database."""
        return running_client(self.application())

    @property
    def parley(self) -> Parley:
        return self.app.state.parley  # type: ignore[no-any-return]

    @property
    def database(self) -> Database:
        return self.parley.database

    @property
    def stored_attempts(self) -> AsyncCollection[Document]:
        """The attempts in the database, as soon as they are written."""
        return self.database.get_collection("webhook_attempts", read_concern=ReadConcern("local"))

    async def log_in(self) -> None:
        """Log the administrator in, again after the clock was moved beyond the life of a token."""
        self.headers = await log_in(self.parley, self.admin.user)

    async def move(self, by: timedelta) -> None:
        """Move the clock, and have the dispatcher look at it."""
        self.clock.move(by)
        await self.log_in()
        self.parley.require(Bell).ring()

    async def request(self, method: str, rest: str = "", **options: Any) -> httpx.Response:
        """Send a request as the administrator."""
        return await self.client.request(method, ADDRESS + rest, headers=self.headers, **options)

    async def create(self, url: str, **more: Any) -> dict[str, Any]:
        """Create a webhook and return it, its secret included."""
        answer = await self.request("POST", json={"url": url, **more})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def read(self, webhook: dict[str, Any]) -> dict[str, Any]:
        """Return a webhook as it is now."""
        answer = await self.request("GET", f"/{webhook['id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def attempts(self, webhook: dict[str, Any], count: int = 0) -> list[dict[str, Any]]:
        """Return a webhook's attempts, oldest first, once there are so many."""
        address = f"/{webhook['id']}/attempts?limit=100"
        async with asyncio.timeout(10):
            while len(found := (await self.request("GET", address)).json()["items"]) < count:  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.02)
        return list(reversed(found))

    async def until(self, webhook: dict[str, Any], has_come: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return a webhook once it has come so far."""
        async with asyncio.timeout(10):
            while not has_come(found := await self.read(webhook)):  # noqa: ASYNC110 - it changes in the database
                await asyncio.sleep(0.02)
        return found

    async def delivered(self, webhook: dict[str, Any]) -> dict[str, Any]:
        """Return a webhook once it has come to the present end of the log."""
        head = await self.drain()
        return await self.until(webhook, lambda found: found["position"] >= head)

    async def failed(self, webhook: dict[str, Any], failures: int) -> dict[str, Any]:
        """Return a webhook once its next event has failed so often."""
        return await self.until(webhook, lambda found: found["failures"] == failures)

    async def happen(self, count: int = 1, *, what: str = "made", **more: Any) -> list[str]:
        """Have events happen, one after the other, and return their ids once they are in the log."""
        event_type = TYPES[what]
        ids = [new_id() for _ in range(count)]
        for sample_id in ids:
            event = Event(type=event_type, at=self.clock(), actor=Actor(self.admin.id, "admin", "test"), **more)
            await insert_recorded(self.database["samples"], {"_id": sample_id}, event)
        await self.drain()
        return [f"sample:{sample_id}:1" for sample_id in ids]

    async def drain(self) -> int:
        """Bring everything into the log, and return its head."""
        await self.parley.require(Relay).drain()
        return await self.parley.require(EventLog).head()


@pytest.fixture
def clock() -> MovableClock:
    """The real time at first, since receivers verify signatures by a clock of their own."""
    return MovableClock(utc_now())


@pytest.fixture
def settings(ca_file: Path) -> WebhooksSettings:
    """Settings under which receivers on 127.0.0.1 are delivered to."""
    return webhooks_settings(ca_file)


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    return reused_settings


@pytest.fixture
async def stage(core_settings: CoreSettings, settings: WebhooksSettings, clock: MovableClock) -> AsyncIterator[Stage]:
    stage = Stage([core_settings, auth_settings(), settings], clock)
    async with running_client(stage.app) as stage.client:
        stage.admin = await an_account(stage.app, "admin")
        stage.headers = stage.admin.headers
        await stage.drain()
        yield stage


@pytest.fixture
async def inbox(authority: trustme.CA) -> AsyncIterator[Inbox]:
    async with Inbox(authority) as inbox:
        yield inbox


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Return the authority that certifies the receivers."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file with its certificate."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Return the names of this test."""
    return Names(monkeypatch)


@pytest.fixture
async def running() -> AsyncIterator[AsyncExitStack]:
    """Return what closes the receivers and senders of a test."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def sender_of(running: AsyncExitStack, ca_file: Path) -> SenderOf:
    """Return what makes senders that trust the authority and may send to the named networks only."""

    def make(*allowed: str, seconds: float = 10.0) -> Sender:
        sender = Sender(Addresses([ip_network(network) for network in allowed]), ca_file=ca_file, seconds=seconds)
        running.push_async_callback(sender.close)
        return sender

    return make
