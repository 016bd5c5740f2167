"""Fixtures of the tests of webhooks: an authority of their own, receivers that it certifies, and names."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme

from parley_webhooks.testing import Names, SenderOf
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.sender import Sender


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
