"""A receiver that is slow or talks without end costs a bounded time and a bounded number of bytes."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from threading import Event

import pytest
import trustme

from parley_webhooks.testing import Listener, Received, Receiver, SenderOf, answering
from parley_webhooks.transport.failures import Unanswered
from parley_webhooks.transport.sender import SECONDS_IN_ALL

LOOPBACK = "127.0.0.0/8"
# The margin is for a busy machine.
SECONDS, MARGIN = 0.6, 3.0
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MANY = 64 * 1024 * 1024


class SilentListener(Listener):
    """Takes connections and says nothing, so that no TLS handshake begins; sees when the other side leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.was_left = asyncio.Event()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.read()
        self.was_left.set()


def saying(text: bytes, *, then: bytes = b"", every: float = 0.0) -> Callable[..., Awaitable[None]]:
    """Return an answer that starts like this and goes on with the same until nobody listens, or `MANY` bytes."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        for _count in range(MANY // max(len(then), 1) if then else 0):
            writer.write(then)
            await writer.drain()
            answer.written += len(then)  # type: ignore[attr-defined]
            await asyncio.sleep(every)
        await asyncio.Event().wait()

    answer.written = 0  # type: ignore[attr-defined]
    return answer


async def test_ten_seconds(sender_of: SenderOf) -> None:
    """A delivery has ten seconds in all."""
    assert SECONDS_IN_ALL == 10.0
    assert sender_of().seconds == 10.0


class TestTime:
    @pytest.mark.parametrize(
        ("start", "then"),
        [(b"", b""), (b"", b"H"), (OK, b""), (OK + b"X: ", b"x"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
        ids=["silent", "drips from the start", "half a head", "drips a header", "drips interim answers"],
    )
    async def test_slow_head(
        self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, start: bytes, then: bytes
    ) -> None:
        """Without a whole head there is no answer, however much goes on arriving."""
        answer = saying(start, then=then, every=0.05)
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        began = time.monotonic()
        with pytest.raises(Unanswered, match="timeout"):
            await sender_of(LOOPBACK, seconds=SECONDS).send(receiver.url("127.0.0.1"), headers={}, body=b"{}")
        assert SECONDS <= time.monotonic() - began < SECONDS + MARGIN

    async def test_no_handshake(self, running: AsyncExitStack, sender_of: SenderOf) -> None:
        """A receiver that takes the connection and says nothing is left in time, and the connection is closed."""
        listener = await running.enter_async_context(SilentListener())
        began = time.monotonic()
        with pytest.raises(Unanswered, match="timeout"):
            await sender_of(LOOPBACK, seconds=SECONDS).send(listener.url("127.0.0.1"), headers={}, body=b"{}")
        assert SECONDS <= time.monotonic() - began < SECONDS + MARGIN
        async with asyncio.timeout(MARGIN):
            await listener.was_left.wait()

    async def test_slow_resolver(self, sender_of: SenderOf, monkeypatch: pytest.MonkeyPatch) -> None:
        """Resolving counts as well, and doesn't stop the loop."""
        answered, ticks = Event(), 0
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait() and [])
        began = time.monotonic()
        sending = asyncio.ensure_future(sender_of(seconds=SECONDS).send("https://a.test", headers={}, body=b""))
        while not sending.done():
            await asyncio.sleep(0.01)
            ticks += 1
        answered.set()
        with pytest.raises(Unanswered, match="timeout"):
            await sending
        assert SECONDS <= time.monotonic() - began < SECONDS + MARGIN
        assert ticks > 20

    @pytest.mark.parametrize(
        ("start", "then"),
        [(CHUNKED, b""), (CHUNKED, b"1\r\nx\r\n"), (OK + b"Content-Length: 9\r\n\r\n", b"")],
        ids=["silent", "drips", "half"],
    )
    async def test_slow_body(
        self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, start: bytes, then: bytes
    ) -> None:
        """The head is the answer: the body isn't waited for longer than a second, nor than the time in all."""
        answer = saying(start, then=then, every=0.05)
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        for seconds, expected in ((10.0, 1.0), (SECONDS, SECONDS)):
            began = time.monotonic()
            sender = sender_of(LOOPBACK, seconds=seconds)
            assert (await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"{}")).status == 200
            assert expected * 0.9 <= time.monotonic() - began < expected + MARGIN

    async def test_others_go_on(self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
        """Receivers that are slow don't delay deliveries to others."""
        arrived, released = asyncio.Semaphore(0), asyncio.Event()

        async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
            arrived.release()
            await released.wait()
            await answering()(received, writer)

        slow = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        quick = await running.enter_async_context(Receiver(authority, "127.0.0.1"))
        sender = sender_of(LOOPBACK)
        waiting = [asyncio.ensure_future(sender.send(slow.url("127.0.0.1"), headers={}, body=b"")) for _ in range(20)]
        for _ in waiting:
            await arrived.acquire()
        assert (await sender.send(quick.url("127.0.0.1"), headers={}, body=b"")).status == 200
        assert not any(one.done() for one in waiting)
        released.set()
        assert [one.status for one in await asyncio.gather(*waiting)] == [200] * 20


class TestSize:
    @pytest.mark.parametrize(
        ("start", "then"),
        [
            (OK + b"X: ", b"x" * 1000),
            (OK, b"X: x\r\n" * 200),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
            (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        ],
        ids=["long header", "many headers", "interim answers", "short interim answers"],
    )
    async def test_endless_head(
        self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, start: bytes, then: bytes
    ) -> None:
        """A head without end is no answer, and is left after 20 KiB rather than at the end of the time."""
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=saying(start, then=then)))
        began = time.monotonic()
        with pytest.raises(Unanswered, match="protocol"):
            await sender_of(LOOPBACK).send(receiver.url("127.0.0.1"), headers={}, body=b"{}")
        assert time.monotonic() - began < MARGIN

    @pytest.mark.parametrize("start", [CHUNKED, OK + b"Content-Length: 99999999999\r\n\r\n", OK + b"\r\n"])
    async def test_endless_body(
        self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, start: bytes
    ) -> None:
        """Of a body without end little is read, and its connection is closed rather than emptied."""
        chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
        answer = saying(start, then=chunk)
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        sender = sender_of(LOOPBACK)
        began = time.monotonic()
        assert (await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"{}")).status == 200
        assert time.monotonic() - began < MARGIN
        # What the sockets of both sides buffer, besides.
        assert answer.written < MANY // 8  # type: ignore[attr-defined]
        assert (await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"{}")).status == 200
        assert receiver.connections == 2

    @pytest.mark.parametrize(("size", "connections"), [(4096, 1), (4097, 2)])
    async def test_four_kibibytes(
        self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf, size: int, connections: int
    ) -> None:
        """After a body of 4 KiB the connection is used again, after a longer one it isn't."""
        answer = answering(body=b"x" * size)
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        sender = sender_of(LOOPBACK)
        for _ in range(2):
            await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"{}")
        assert receiver.connections == connections

    async def test_long_head(self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
        """A head of 15 KiB is read, at each delivery of a connection."""
        answer = answering(200, *(f"X-{n}: {'x' * 1000}" for n in range(15)))
        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        sender = sender_of(LOOPBACK)
        for _ in range(5):
            assert (await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"{}")).status == 200
        assert receiver.connections == 1

    async def test_broken_off(self, running: AsyncExitStack, authority: trustme.CA, sender_of: SenderOf) -> None:
        """A body that breaks off doesn't change the answer."""

        async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(OK + b"Content-Length: 9\r\n\r\nhalf")
            await writer.drain()
            raise ssl.SSLError

        receiver = await running.enter_async_context(Receiver(authority, "127.0.0.1", answer=answer))
        sender = sender_of(LOOPBACK)
        assert (await sender.send(receiver.url("127.0.0.1"), headers={}, body=b"{}")).status == 200
