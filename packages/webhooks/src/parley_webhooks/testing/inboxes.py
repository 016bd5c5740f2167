"""Receivers of whole webhooks for tests: what arrived, whether it verifies, and what is answered."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from pydantic import SecretStr
from standardwebhooks import Webhook

from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.testing.receivers import Received, Receiver, answering
from parley_webhooks.transport.vault import new_key

_HOST = "127.0.0.1"
_SECONDS = 10


def webhooks_settings(ca_file: Path | None, **changes: Any) -> WebhooksSettings:
    """Return settings under which receivers on 127.0.0.1 are delivered to, with a certificate of this authority."""
    given = {
        "webhooks_key": SecretStr(new_key()),
        "webhooks_allow_networks": ("127.0.0.0/8",),
        "webhooks_ca_file": ca_file,
    }
    return WebhooksSettings(**{**given, **changes})


@dataclass(frozen=True)
class Delivery(Received):
    """A delivery that arrived."""

    @property
    def id(self) -> str:
        """The `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def payload(self) -> Any:
        """The JSON body."""
        return json.loads(self.body)

    @property
    def position(self) -> int:
        """The event's position in the log."""
        return int(self.payload["data"]["position"])

    def verify(self, secret: str) -> Any:
        """Return the payload; raise `WebhookVerificationError` unless the delivery is signed with `secret`."""
        return Webhook(secret).verify(self.body, dict(self.headers))


class Inbox(Receiver):
    """Keeps the deliveries that arrive, and answers each as the test wants.

    Args:
        authority: signs its certificate.
        port: of 127.0.0.1; 0 takes a free one.
    """

    def __init__(self, authority: trustme.CA, *, port: int = 0) -> None:
        super().__init__(authority, _HOST, answer=self._respond, host=_HOST, port=port)
        self.deliveries: list[Delivery] = []
        self.status_of: Callable[[Delivery], int] = lambda _: 204
        """What is answered to a delivery."""
        self.headers: list[str] = []
        """Headers of each answer, like `Retry-After: 5`."""
        self.seconds = 0.0
        """How long each answer takes."""
        self.under_way = 0
        self.most_at_once = 0
        self._arrived = asyncio.Event()

    @property
    def address(self) -> str:
        """The url of its webhook."""
        return self.url(_HOST, "/hooks")

    def answer_with(self, status: int) -> None:
        """Answer this status to every delivery from now on."""
        self.status_of = lambda _: status

    async def wait_for(self, count: int, seconds: float = _SECONDS) -> list[Delivery]:
        """Return the first `count` deliveries, once they are there."""
        async with asyncio.timeout(seconds):
            while len(self.deliveries) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.deliveries[:count]

    async def _respond(self, received: Received, writer: asyncio.StreamWriter) -> None:
        delivery = Delivery(received.line, received.headers, received.body)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        status = self.status_of(delivery)
        self.deliveries.append(delivery)
        self._arrived.set()
        if self.seconds:
            await asyncio.sleep(self.seconds)
        self.under_way -= 1
        await answering(status, *self.headers)(received, writer)
