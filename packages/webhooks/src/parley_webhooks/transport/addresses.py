"""Where deliveries may go: the addresses of a host, and whether each of them is allowed."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address

from parley_core.data.deadline import remaining, time_is_over
from parley_webhooks.errors import WebhookUrlRefused
from parley_webhooks.transport.failures import Unanswered
from parley_webhooks.transport.networks import IPAddress, embedded_in, is_public
from parley_webhooks.transport.urls import host_of, parsed, port_of

_SECONDS_TO_CHECK = 3.0
# A lookup can't be cancelled. Its own threads keep slow name servers from blocking what else runs in the loop's.
_LOOKUPS_AT_ONCE = 16
_NOT_PUBLIC = "The host of a webhook's url has public addresses only: use another host, or have its network allowed"
_NOT_FOUND = "The host of a webhook's url has no address now: correct its name, or try again later"


class Addresses:
    """Resolves names, and refuses what isn't public.

    Args:
        allowed: networks of receivers that are not public.
    """

    def __init__(self, allowed: Sequence[IPv4Network | IPv6Network] = ()) -> None:
        self._allowed = tuple(allowed)
        self._threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="parley-webhooks-dns")

    def permits(self, address: str) -> bool:
        """Return whether packets may go to this address: it is public, or in an allowed network.

        An IPv6 address that carries IPv4 addresses is permitted when each of those is. One with a zone
        (`fe80::1%eth0`) never is.
        """
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        if "%" in address:
            return False
        return self._allows(ip) or all(self._allows(inner) or is_public(inner) for inner in embedded_in(ip) or (ip,))

    async def of(self, host: str, port: int) -> tuple[str, ...]:
        """Return all addresses of a host, resolved now and once, in the order to try them.

        Raises:
            Unanswered: the host has no address (`dns`), or one that isn't permitted (`refused`).
        """
        lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, lookup)
        except (OSError, UnicodeError):
            raise Unanswered("dns") from None
        addresses = tuple(dict.fromkeys(str(socket_address[0]) for *_, socket_address in found))
        if not all(map(self.permits, addresses)):
            raise Unanswered("refused")
        return addresses

    async def check(self, url: str) -> None:
        """Resolve the host of a url that `checked_url` returned.

        Raises:
            WebhookUrlRefused: it has an address that isn't permitted, or none within three seconds.
            PyMongoError: the caller's time is over before.
        """
        parts, left = parsed(url), remaining()
        is_short = left is not None and left < _SECONDS_TO_CHECK
        try:
            async with asyncio.timeout(left if is_short else _SECONDS_TO_CHECK):
                await self.of(host_of(parts), port_of(parts))
        except TimeoutError:
            if is_short:
                raise time_is_over() from None
            raise WebhookUrlRefused(_NOT_FOUND) from None
        except Unanswered as error:
            raise WebhookUrlRefused(_NOT_PUBLIC if error.reason == "refused" else _NOT_FOUND) from None

    def _allows(self, address: IPAddress) -> bool:
        return any(address in network for network in self._allowed)
