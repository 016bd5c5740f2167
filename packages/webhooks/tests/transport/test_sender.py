"""What a delivery looks like to its receiver, and what comes back."""

import asyncio
import os
import socket
import struct
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
import trustme

from parley_webhooks.testing import Listener, Names, Received, Receiver, SenderOf, answering, reason_of
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.sender import Sender

NAME, OTHER_NAME = "receiver.test", "other.test"
LOOPBACK = ("127.0.0.0/8", "::1/128")


class TestRequest:
    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    async def test_arrives(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf, host: str
    ) -> None:
        """It is a POST on HTTP/1.1 with the given headers and body; Host and SNI are the name, not the address."""
        names.set(NAME, [host])
        receiver = await running.enter_async_context(Receiver(authority, NAME, host=host))
        url = receiver.url(NAME, "/hooks/1?key=ä")
        answer = await sender_of(*LOOPBACK).send(url, headers={"webhook-id": "interview:1:2"}, body=b'{"a": 1}')
        assert (answer.status, answer.retry_after) == (200, None)
        assert 0 <= answer.milliseconds < 5000
        [received] = receiver.received
        assert received.line == "POST /hooks/1?key=%C3%A4 HTTP/1.1"
        assert received.headers == {
            "host": f"{NAME}:{receiver.port}",
            "user-agent": "Parley-Webhooks",
            "content-type": "application/json",
            "content-length": "8",
            "webhook-id": "interview:1:2",
        }
        assert received.body == b'{"a": 1}'
        assert receiver.asked_for == [NAME]
        assert names.asked == [NAME]

    async def test_to_an_address(self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
        """A receiver inside may be named by its address, which its certificate has to contain."""
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1"))
        answer = await sender_of(*LOOPBACK).send(receiver.url("127.0.0.1"), headers={}, body=b"")
        assert answer.status == 200
        assert receiver.received[0].headers["host"] == f"127.0.0.1:{receiver.port}"

    @pytest.mark.parametrize("host", [f"{NAME}.", "xn--bcher-kva.test"], ids=["absolute", "not ASCII"])
    async def test_other_names(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf, host: str
    ) -> None:
        """The certificate of an absolute name, and of one that isn't ASCII, is found by its usual form."""
        certified = host.removesuffix(".")
        receiver = await running.enter_async_context(Receiver(authority, certified))
        names.set(host, ["127.0.0.1"])
        assert (await sender_of(*LOOPBACK).send(receiver.url(host), headers={}, body=b"")).status == 200
        assert receiver.asked_for == [certified]

    async def test_largest_body(self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
        """64 KiB are sent; one byte more is refused before anything is."""
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1"))
        sender, url = sender_of(*LOOPBACK), receiver.url("127.0.0.1")
        body = b"x" * 64 * 1024
        assert (await sender.send(url, headers={}, body=body)).status == 200
        assert await reason_of(sender, url, body + b"x") == "too_large"
        assert [received.body for received in receiver.received] == [body]

    async def test_next_address(
        self, running: AsyncExitStack, authority: trustme.CA, names: Names, sender_of: SenderOf
    ) -> None:
        """When nothing listens at the first address of a name, the next one is used."""
        receiver = await running.enter_async_context(Receiver(authority, NAME))
        names.set(NAME, ["::1", "127.0.0.2", "127.0.0.1"])
        assert (await sender_of(*LOOPBACK).send(receiver.url(NAME), headers={}, body=b"")).status == 200

    async def test_no_passwords_from_outside(
        self,
        running: AsyncExitStack,
        authority: trustme.CA,
        sender_of: SenderOf,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        """A password that the operator has in .netrc isn't sent to a receiver, where httpx would send it."""
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1"))
        netrc = tmp_path / "netrc"
        netrc.write_text("default login operator password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        url = receiver.url("127.0.0.1")
        await sender_of(*LOOPBACK).send(url, headers={}, body=b"")
        authority.configure_trust(context := httpx.create_ssl_context())
        async with httpx.AsyncClient(auth=httpx.NetRCAuth(str(netrc)), verify=context) as control:
            await control.post(url)
        assert ["authorization" in received.headers for received in receiver.received] == [False, True]


class TestAnswer:
    @pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 410, 429, 500, 599])
    async def test_status(
        self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, status: int
    ) -> None:
        """Each status is an answer."""
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answering(status)))
        answer = await sender_of(*LOOPBACK).send(receiver.url("127.0.0.1"), headers={}, body=b"")
        assert answer.status == status

    async def test_retry_after(self, running: AsyncExitStack, authority: trustme.CA, ca_file: Path) -> None:
        """The receiver says when to come again, in seconds or as a date, which is counted from the given clock."""
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1"))
        clock = datetime(2026, 3, 1, 12, tzinfo=UTC)
        sender = Sender(Addresses([ip_network(LOOPBACK[0])]), ca_file=ca_file, clock=lambda: clock)
        running.push_async_callback(sender.close)
        for value in ("30", "Sun, 01 Mar 2026 12:00:30 GMT"):
            receiver.answer = answering(503, f"Retry-After: {value}")
            answer = await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"")
            assert (answer.status, answer.retry_after) == (503, 30.0)

    async def test_cookies(self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
        """A cookie isn't sent back."""
        cookie = answering(200, "Set-Cookie: a=b; Path=/")
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=cookie))
        sender = sender_of(*LOOPBACK)
        for _ in range(2):
            await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"")
        assert ["cookie" in received.headers for received in receiver.received] == [False, False]

    async def test_nothing_there(self, running: AsyncExitStack, sender_of: SenderOf) -> None:
        """A closed port, and a name without an address, have reasons of their own."""
        async with Listener() as listener:
            url = listener.url("127.0.0.1")
        assert await reason_of(sender_of(*LOOPBACK), url) == "connection"
        assert await reason_of(sender_of(*LOOPBACK), "https://nowhere.invalid/") == "dns"

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            (b"", "protocol"),
            (b"hello\r\n\r\n", "protocol"),
            (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "protocol"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "protocol"),
        ],
        ids=["closed", "other protocol", "upgrade", "broken head"],
    )
    async def test_no_http(
        self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, sent: bytes, reason: str
    ) -> None:
        """What isn't an answer of HTTP/1.1 is none."""

        async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(sent)
            await writer.drain()
            raise EOFError

        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        assert await reason_of(sender_of(*LOOPBACK), receiver.url("127.0.0.1")) == reason

    async def test_broken_connection(self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
        """A connection that is reset, or carries what TLS doesn't encrypt, has a reason, too."""

        async def reset(_: Received, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise EOFError

        async def garbage(_: Received, writer: asyncio.StreamWriter) -> None:
            os.write(writer.get_extra_info("socket").fileno(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await asyncio.Event().wait()

        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=reset))
        assert await reason_of(sender_of(*LOOPBACK), receiver.url("127.0.0.1")) == "connection"
        receiver.answer = garbage
        assert await reason_of(sender_of(*LOOPBACK), receiver.url("127.0.0.1")) == "tls"

    async def test_nothing_in_the_log(
        self,
        running: AsyncExitStack,
        authority: trustme.CA,
        sender_of: SenderOf,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """At the level of a production log neither the url nor anything else is written, where httpx writes the url."""
        caplog.set_level("INFO")
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1"))
        url = receiver.url("127.0.0.1", "/canary?token=canary")
        await sender_of(*LOOPBACK).send(url, headers={}, body=b"")
        assert "canary" not in caplog.text
        authority.configure_trust(context := httpx.create_ssl_context())
        async with httpx.AsyncClient(verify=context) as control:
            await control.post(url)
        assert "canary" in caplog.text
