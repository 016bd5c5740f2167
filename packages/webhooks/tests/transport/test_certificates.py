"""Certificates of receivers are always verified."""

import asyncio
import gc
import ssl
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import httpcore
import pytest
import trustme

from parley_core import StartupError
from parley_webhooks.testing import Listener, Names, Receiver, SenderOf, reason_of
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.sender import Sender

NAME, LOOPBACK = "receiver.test", "127.0.0.0/8"


class StrictReceiver(Receiver):
    """Wants a certificate of the sender."""

    def _tls(self) -> ssl.SSLContext:
        context = super()._tls()
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(autouse=True)
def _name(names: Names) -> None:
    names.set(NAME, ["127.0.0.1"])


@pytest.mark.parametrize("certified", ["other.test", "sub.receiver.test", "127.0.0.1"])
async def test_of_another_name(
    running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, certified: str
) -> None:
    """A certificate of another name, or of the address only, is refused and nothing is sent."""
    receiver = await running.enter_async_context(Receiver(authority, certified))
    assert await reason_of(sender_of(LOOPBACK), receiver.url(NAME)) == "tls"
    assert receiver.received == []


async def test_of_another_authority(running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
    """A certificate that no trusted authority has signed, or that has expired, is refused and nothing is sent."""
    strange = await running.enter_async_context(Receiver(trustme.CA(), NAME))
    expired = Receiver(authority, NAME)
    expired.certificate = authority.issue_cert(NAME, not_after=datetime(2026, 1, 1, tzinfo=UTC))
    await running.enter_async_context(expired)
    for receiver in (strange, expired):
        assert await reason_of(sender_of(LOOPBACK), receiver.url(NAME)) == "tls"
        assert receiver.received == []


async def test_no_encryption(running: AsyncExitStack, sender_of: SenderOf) -> None:
    """A receiver without TLS is refused."""
    listener = await running.enter_async_context(Listener())
    assert await reason_of(sender_of(LOOPBACK), listener.url(NAME)) == "tls"
    assert listener.connections == 1


async def test_receiver_wants_one(running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
    """A receiver that wants a certificate of the sender breaks the connection, and there is no answer."""
    receiver = await running.enter_async_context(StrictReceiver(authority, NAME))
    # TLS 1.3 refuses after the handshake: its alert arrives, or the end of the connection does before.
    assert await reason_of(sender_of(LOOPBACK), receiver.url(NAME)) in {"tls", "connection"}
    assert receiver.received == []


async def test_without_the_file(running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
    """Without the file its authority isn't trusted; with it, it is."""
    receiver = await running.enter_async_context(Receiver(authority, NAME))
    sender = Sender(Addresses([ip_network(LOOPBACK)]))
    running.push_async_callback(sender.close)
    assert await reason_of(sender, receiver.url(NAME)) == "tls"
    assert (await sender_of(LOOPBACK).send(receiver.url(NAME), headers={}, body=b"")).status == 200


async def test_made_once(running: AsyncExitStack, authority: trustme.CA) -> None:
    """A sender without a file loads the certificates with its first delivery, and once for several at a time."""
    receiver = await running.enter_async_context(Receiver(authority, NAME))
    before = _pools()
    sender = Sender(Addresses([ip_network(LOOPBACK)]))
    running.push_async_callback(sender.close)
    assert _pools() == before
    reasons = await asyncio.gather(*(reason_of(sender, receiver.url(NAME)) for _ in range(3)))
    assert reasons == ["tls"] * 3
    assert len(_pools() - before) == 1


def _pools() -> set[int]:
    return {id(each) for each in gc.get_objects() if isinstance(each, httpcore.AsyncConnectionPool)}


@pytest.mark.parametrize("content", [None, b"", b"no certificate"], ids=["missing", "empty", "other text"])
def test_unusable_file(tmp_path: Path, content: bytes | None) -> None:
    """A file without certificates stops the start, and the message names the setting."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartupError, match=r"^PARLEY_WEBHOOKS_CA_FILE: .+ca\.pem can't be used"):
        Sender(Addresses(), ca_file=path)
