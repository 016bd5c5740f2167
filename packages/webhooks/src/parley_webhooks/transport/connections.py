"""Connections to addresses that have been checked: nothing is resolved here, and each answer is bounded.

httpcore keeps connections by host and port. The host that it is given here is a route: a name together with the
addresses that it has now. So a connection is reused only for the name that its certificate was verified for, and only
while that name still has the same addresses.
"""

import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

MAX_ANSWER_BYTES = 20 * 1024
"""What is read of one answer: 16 KiB of head, 4 KiB of body."""
_READ_BYTES = 4 * 1024
# Several addresses get their turn within the ten seconds of a delivery.
_SECONDS_TO_CONNECT = 4.0


class TlsFailed(httpcore.ConnectError):
    """The other side does not encrypt, or its certificate is not valid for the name."""


class AnswerTooLong(httpcore.RemoteProtocolError):
    """The other side sends more than an answer may have."""


def route(name: str, addresses: Sequence[str]) -> bytes:
    """Return what stands for the host in httpcore: a name and its addresses. Neither contains a space.

    Name servers shuffle addresses. Sorted they stay one route, the preferred IP version still first.
    """
    preferred = ":" in addresses[0] if addresses else False
    in_order = sorted(addresses, key=lambda address: ((":" in address) != preferred, address))
    return " ".join((name, *in_order)).encode("ascii")


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses of a route, one after the other until one answers.

    Args:
        permits: asked once more for each address, right before the first packet leaves.
    """

    def __init__(self, permits: Callable[[str], bool]) -> None:
        self._permits = permits
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        _, *addresses = host.split(" ")
        failure: Exception = httpcore.ConnectError("a route without a permitted address")
        for address in filter(self._permits, addresses):
            try:
                stream = await self._network.connect_tcp(address, port, timeout=_SECONDS_TO_CONNECT)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _BoundedStream(stream)
        raise failure


class _BoundedStream(httpcore.AsyncNetworkStream):
    """A connection on which each answer has at most `MAX_ANSWER_BYTES`."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._left = MAX_ANSWER_BYTES

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        if self._left <= 0:
            raise AnswerTooLong
        data = await self._stream.read(min(max_bytes, _READ_BYTES, self._left), timeout)
        self._left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        self._left = MAX_ANSWER_BYTES
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _BoundedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except (httpcore.ConnectError, OSError, ValueError) as error:
            await self.aclose()
            raise TlsFailed from error
        except BaseException:
            # httpcore leaves the connection open when a handshake is cancelled.
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
