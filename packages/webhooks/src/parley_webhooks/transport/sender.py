"""Sends one delivery: one POST to a checked address, bounded in time and size."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import httpcore

from parley_core import Clock, utc_now
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.certificates import tls_context
from parley_webhooks.transport.connections import CheckedBackend, TlsFailed, route
from parley_webhooks.transport.failures import Reason, Unanswered
from parley_webhooks.transport.retry_after import seconds_in
from parley_webhooks.transport.urls import host_of, parsed, port_of

SECONDS_IN_ALL = 10.0
MAX_BODY_BYTES = 64 * 1024
_MAX_SKIMMED_BYTES = 4 * 1024
_SECONDS_TO_SKIM = 1.0
# Shorter than servers keep an idle connection (5 s is usual), so that none ends while a request is under way.
_SECONDS_IDLE = 2.0
_CONNECTIONS = 100
_IDLE_CONNECTIONS = 20
_OWN_HEADERS = {"User-Agent": "Parley-Webhooks", "Content-Type": "application/json"}
_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a receiver answered.

    Args:
        status: its status, a redirect's as well.
        retry_after: the seconds in which to come again, from 0; None where it names none.
        milliseconds: from the start of the delivery to the head of the answer.
    """

    status: int
    retry_after: float | None
    milliseconds: int


class Sender:
    """Sends deliveries, on connections that are kept for the next ones.

    It follows no redirect, keeps no cookie, and reads neither proxies nor passwords from the environment.
    `httpx.AsyncClient` is not used, because it writes each url to the log and keeps cookies.

    Args:
        addresses: which addresses a name has, and which of them are permitted.
        ca_file: certificates in PEM that are trusted besides the usual ones.
        seconds: the time for one delivery in all.

    Raises:
        StartupError: the file holds no certificates.
    """

    def __init__(
        self,
        addresses: Addresses,
        *,
        ca_file: Path | None = None,
        clock: Clock = utc_now,
        seconds: float = SECONDS_IN_ALL,
    ) -> None:
        self.addresses = addresses
        self._clock = clock
        self.seconds = seconds
        self._opening = asyncio.Lock()
        self._pool = self._pool_with(tls_context(ca_file)) if ca_file else None

    async def send(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post a body to a url that `checked_url` returned, and return the answer.

        The addresses of its host are resolved and checked first, each time. The status is the answer: of the
        body 4 KiB are read for up to a second, so that the connection can be used again, and then it is closed.

        Raises:
            Unanswered: there is no answer; the reason says why.
        """
        if len(body) > MAX_BODY_BYTES:
            raise Unanswered("too_large")
        answer = None
        now = asyncio.get_running_loop().time
        began = now()
        try:
            async with asyncio.timeout_at(began + self.seconds) as limit, await self._post(url, headers, body) as got:
                answer = self._answer(got, seconds=now() - began)
                limit.reschedule(min(began + self.seconds, now() + _SECONDS_TO_SKIM))
                await _skim(got)
        except _FAILURES as error:
            if answer is None:
                raise Unanswered(_reason_of(error)) from None
        return answer

    async def close(self) -> None:
        """Close the connections."""
        if self._pool:
            await self._pool.aclose()

    async def _connections(self) -> httpcore.AsyncConnectionPool:
        """Return the pool of connections, made for the first delivery: an installation may never have one.

        To load some hundred certificates takes as long as a third of a start.
        """
        async with self._opening:
            self._pool = self._pool or self._pool_with(await asyncio.to_thread(tls_context, None))
        return self._pool

    def _pool_with(self, tls: ssl.SSLContext) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_IDLE_CONNECTIONS,
            keepalive_expiry=_SECONDS_IDLE,
            network_backend=CheckedBackend(self.addresses.permits),
        )

    async def _post(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> AbstractAsyncContextManager[httpcore.Response]:
        parts = parsed(url)
        name, port = host_of(parts), port_of(parts)
        addresses, pool = await self.addresses.of(name, port), await self._connections()
        return pool.stream(
            "POST",
            httpcore.URL(scheme=b"https", host=route(name, addresses), port=port, target=parts.raw_path),
            headers=[(b"Host", parts.netloc), *_encoded({**_OWN_HEADERS, **headers})],
            content=body,
            # The dot of an absolute name is for resolvers: certificates have none (RFC 6066, 3).
            extensions={"sni_hostname": name.removesuffix(".")},
        )

    def _answer(self, response: httpcore.Response, *, seconds: float) -> Answer:
        return Answer(
            status=response.status,
            retry_after=seconds_in(response.headers, now=self._clock()),
            milliseconds=round(seconds * 1000),
        )


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


async def _skim(response: httpcore.Response) -> None:
    """Read a short body to its end. A long one is left, which closes the connection."""
    left = _MAX_SKIMMED_BYTES
    async for part in response.aiter_stream():
        left -= len(part)
        if left < 0:
            return


def _reason_of(error: Exception) -> Reason:
    match error:
        case TlsFailed() | ssl.SSLError():
            return "tls"
        case TimeoutError() | httpcore.TimeoutException():
            return "timeout"
        case httpcore.ProtocolError():
            return "protocol"
        case _:
            return "connection"
