"""Connections go to the addresses of a route and nowhere else."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpcore
import pytest
import trustme

from parley_webhooks.testing import Listener, Names, Receiver, SenderOf
from parley_webhooks.transport import connections
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.connections import CheckedBackend, route

NAME = "receiver.test"
EVERYTHING = CheckedBackend(lambda _: True)


@pytest.fixture
def full() -> Iterator[int]:
    """Return a port of 127.0.0.2 whose queue is full, so that the system answers no more attempts to connect."""
    with socket.create_server(("127.0.0.2", 0), backlog=0) as server:
        attempts = [socket.socket() for _ in range(4)]
        for attempt in attempts:
            attempt.settimeout(0)
            attempt.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for attempt in attempts:
            attempt.close()


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([], b"a"),
        (["9.9.9.9", "8.8.8.8"], b"a 8.8.8.8 9.9.9.9"),
        (["2001:db8::2", "9.9.9.9", "2001:db8::1", "8.8.8.8"], b"a 2001:db8::1 2001:db8::2 8.8.8.8 9.9.9.9"),
        (["9.9.9.9", "2001:db8::1", "8.8.8.8"], b"a 8.8.8.8 9.9.9.9 2001:db8::1"),
    ],
    ids=["none", "shuffled", "IPv6 first", "IPv4 first"],
)
def test_route(addresses: list[str], expected: bytes) -> None:
    """The same addresses are the same route, in whichever order they come; the first one's IP version comes first."""
    assert route("a", addresses) == expected


async def test_last_gate(running: AsyncExitStack) -> None:
    """A route with an address that isn't permitted leads nowhere, even if nobody has checked it before."""
    listener = await running.enter_async_context(Listener())
    host = route(NAME, ["127.0.0.1"]).decode()
    with pytest.raises(httpcore.ConnectError):
        await CheckedBackend(Addresses().permits).connect_tcp(host, listener.port)
    assert listener.connections == 0
    await (await EVERYTHING.connect_tcp(host, listener.port)).aclose()
    assert listener.connections == 1


async def test_names_are_not_resolved(running: AsyncExitStack, names: Names) -> None:
    """A host without addresses isn't looked up."""
    listener = await running.enter_async_context(Listener())
    names.set(NAME, ["127.0.0.1"])
    for host in (NAME, "localhost", "127.0.0.1"):
        with pytest.raises(httpcore.ConnectError):
            await EVERYTHING.connect_tcp(host, listener.port)
    assert (names.asked, listener.connections) == ([], 0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an address left after 0.3 seconds."""
    monkeypatch.setattr(connections, "_SECONDS_TO_CONNECT", 0.3)


@pytest.mark.usefixtures("impatient")
async def test_unresponsive_address(
    full: int,
    running: AsyncExitStack,
    authority: trustme.CA,
    names: Names,
    sender_of: SenderOf,
) -> None:
    """An address that doesn't answer is left soon enough for the next one to be tried."""
    receiver = await running.enter_async_context(Receiver(authority, NAME, host="127.0.0.3", port=full))
    names.set(NAME, ["127.0.0.2", "127.0.0.3"])
    began = asyncio.get_running_loop().time()
    assert (await sender_of("127.0.0.0/8").send(receiver.url(NAME), headers={}, body=b"")).status == 200
    assert asyncio.get_running_loop().time() - began >= 0.3
