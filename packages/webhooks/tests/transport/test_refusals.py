"""Nothing arrives at an address that isn't permitted: not one connection."""

import sys
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import trustme

from parley_webhooks.testing import Listener, Names, Receiver, SenderOf, answering, reason_of
from parley_webhooks.transport.sender import Sender

NAME, OTHER_NAME = "receiver.test", "other.test"

LOOPBACK_HOSTS = [
    "127.0.0.1",
    "::1",
    "2130706433",
    "0x7f000001",
    "017700000001",
    "127.1",
    "0",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "localhost",
    NAME,
]
_connected: list[Any] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        _connected.append(arguments[1])


sys.addaudithook(_note)


async def refused(sender: Sender, url: str) -> bool:
    """Send, and return whether the address was refused."""
    return await reason_of(sender, url) == "refused"


@pytest.fixture
async def listeners(running: AsyncExitStack) -> tuple[Listener, Listener]:
    """Return listeners at 127.0.0.1 and ::1 with the same port."""
    one = await running.enter_async_context(Listener("127.0.0.1"))
    return one, await running.enter_async_context(Listener("::1", one.port))


class TestAddress:
    @pytest.mark.parametrize("host", LOOPBACK_HOSTS)
    async def test_nothing_arrives(
        self, listeners: tuple[Listener, Listener], names: Names, sender_of: SenderOf, host: str
    ) -> None:
        """However a loopback address is written, nobody connects to it; it is reached as soon as it is allowed."""
        names.set(NAME, ["127.0.0.1"])
        url = listeners[0].url(host)
        _connected.clear()
        assert await refused(sender_of(), url)
        assert [listener.connections for listener in listeners] == [0, 0]
        assert [to for to in _connected if to[1] == listeners[0].port] == []

        assert not await refused(sender_of("127.0.0.0/8", "0.0.0.0/32", "::1/128"), url)
        assert sum(listener.connections for listener in listeners) >= 1
        assert [to for to in _connected if to[1] == listeners[0].port]

    @pytest.mark.parametrize("host", ["::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1", "10.0.0.1"])
    async def test_carried(self, sender_of: SenderOf, host: str) -> None:
        """Nobody connects to an IPv6 address that carries an IPv4 address inside."""
        _connected.clear()
        assert await refused(sender_of("127.0.0.0/8"), f"https://[{host}]:9/" if ":" in host else f"https://{host}:9/")
        assert _connected == []


class TestName:
    async def test_turns_private(
        self, running: AsyncExitStack, listeners: tuple[Listener, Listener], names: Names, sender_of: SenderOf
    ) -> None:
        """A name that was public at registration and isn't any more is refused at the delivery."""
        del running
        sender, url = sender_of(), listeners[0].url(NAME)
        names.set(NAME, ["8.8.8.8"], ["127.0.0.1"])
        await sender.addresses.check(url)
        assert await refused(sender, url)
        assert [listener.connections for listener in listeners] == [0, 0]

    async def test_is_resolved_once(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf
    ) -> None:
        """A resolver that names another address at the second question doesn't get one."""
        receiver = await running.enter_async_context(Receiver(authority, NAME))
        trap = await running.enter_async_context(Listener("127.0.0.2", receiver.port))
        names.set(NAME, ["127.0.0.1"], ["127.0.0.2"])
        sender, url = sender_of("127.0.0.1/32"), receiver.url(NAME)
        assert (await sender.send(url, headers={}, body=b"")).status == 200
        assert names.asked == [NAME]
        assert await refused(sender, url)
        assert (len(receiver.received), trap.connections) == (1, 0)

    async def test_one_of_several(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf
    ) -> None:
        """A name with one address that isn't permitted is refused at the others, too."""
        receiver = await running.enter_async_context(Receiver(authority, NAME))
        names.set(NAME, ["127.0.0.1", "127.0.0.2"])
        assert await refused(sender_of("127.0.0.1/32"), receiver.url(NAME))
        assert receiver.connections == 0


class TestKeptConnection:
    async def test_is_used_again(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf
    ) -> None:
        """Deliveries to one receiver share a connection, and each resolves its name."""
        names.set(NAME, ["127.0.0.1"])
        receiver = await running.enter_async_context(Receiver(authority, NAME))
        sender = sender_of("127.0.0.1/32")
        for _ in range(5):
            await sender.send(receiver.url(NAME), headers={}, body=b"{}")
        assert (len(receiver.received), receiver.connections) == (5, 1)
        assert names.asked == [NAME] * 5

    async def test_turns_private(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf
    ) -> None:
        """A connection from before isn't used once the name has an address that isn't permitted."""
        receiver = await running.enter_async_context(Receiver(authority, NAME))
        trap = await running.enter_async_context(Listener("127.0.0.2", receiver.port))
        sender, url = sender_of("127.0.0.1/32"), receiver.url(NAME)
        names.set(NAME, ["127.0.0.1"])
        await sender.send(url, headers={}, body=b"{}")
        for answer in (["127.0.0.2"], ["127.0.0.1", "127.0.0.2"]):
            names.set(NAME, answer)
            assert await refused(sender, url)
        assert (len(receiver.received), trap.connections) == (1, 0)

    async def test_moves(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf
    ) -> None:
        """A name that moves to another permitted address is followed there at the next delivery."""
        before = await running.enter_async_context(Receiver(authority, NAME))
        after = await running.enter_async_context(Receiver(authority, NAME, host="127.0.0.2", port=before.port))
        names.set(NAME, ["127.0.0.1"], ["127.0.0.2"])
        sender = sender_of("127.0.0.0/8")
        for _ in range(3):
            await sender.send(before.url(NAME), headers={}, body=b"{}")
        assert (len(before.received), len(after.received)) == (1, 2)

    async def test_of_another_name(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf
    ) -> None:
        """A connection isn't used for another name at the same address: its certificate is of the first name."""
        receiver = await running.enter_async_context(Receiver(authority, NAME))
        for name in (NAME, OTHER_NAME):
            names.set(name, ["127.0.0.1"])
        sender = sender_of("127.0.0.1/32")
        await sender.send(receiver.url(NAME), headers={}, body=b"{}")
        assert not await refused(sender, receiver.url(OTHER_NAME))
        assert len(receiver.received) == 1
        assert receiver.asked_for == [NAME, OTHER_NAME]


class TestElsewhere:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_redirect(
        self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, status: int
    ) -> None:
        """A redirect is an answer, and its target gets nothing, even where it would be permitted."""
        target = await running.enter_async_context(Listener())
        answer = answering(status, f"Location: {target.url('127.0.0.1')}", "Refresh: 0")
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        answered = await sender_of("127.0.0.0/8").send(receiver.url("127.0.0.1"), headers={}, body=b"{}")
        assert (answered.status, target.connections) == (status, 0)

    @pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"])
    async def test_proxy(
        self,
        running: AsyncExitStack,
        authority: trustme.CA,
        sender_of: SenderOf,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
    ) -> None:
        """A proxy in the environment gets nothing, where httpx would use it."""
        proxy = await running.enter_async_context(Listener())
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1"))
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        sender = sender_of("127.0.0.0/8")
        assert (await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"{}")).status == 200
        assert proxy.connections == 0
        scheme = "http" if variable == "HTTP_PROXY" else "https"
        async with httpx.AsyncClient() as control:
            with pytest.raises(httpx.TransportError):
                await control.get(f"{scheme}://127.0.0.1:{receiver.port}/")
        assert proxy.connections == 1
