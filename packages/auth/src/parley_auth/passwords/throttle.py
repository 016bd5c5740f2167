"""Throttling of passwords: growing delays, counted in MongoDB before anything is hashed (ASVS 6.1.1, 6.3.1).

Failures count for the account and for the network that they come from. A network from which the owner has logged in has
its own counter, so that failures elsewhere never lock the owner out there.
"""

import hashlib
import ipaddress
import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from parley_auth.errors import RateLimited
from parley_auth.passwords.throttle_repository import ThrottleRepository
from parley_core import Clock

_MAX_DELAY = timedelta(minutes=15)
_IPV6_PREFIX = 64


@dataclass(frozen=True)
class Allowance:
    """The number of failures without a delay; after them the delay doubles from one second to 15 minutes."""

    free: int

    def delay_after(self, failures: int) -> timedelta:
        """Return how long the next attempt must wait."""
        beyond = failures - self.free
        return timedelta(0) if beyond <= 0 else min(timedelta(seconds=2 ** min(beyond - 1, 10)), _MAX_DELAY)


OF_ACCOUNT = Allowance(free=5)
# Many people may share one network.
OF_NETWORK = Allowance(free=50)


@dataclass(frozen=True)
class Attempt:
    """An attempt, which counts as a failure of the account until it succeeds."""

    account_key: str
    network_key: str


class Throttle:
    """Counts failures and refuses attempts that come too soon after a failure."""

    def __init__(self, *, counters: ThrottleRepository, clock: Clock) -> None:
        self._counters = counters
        self._clock = clock

    async def begin(self, email: str, network: str, *, known: Collection[str]) -> Attempt:
        """Count an attempt before its password is verified, so that concurrent attempts cannot slip through.

        Args:
            email: the normalised e-mail, whether or not an account has it.
            network: where the attempt comes from.
            known: the networks from which the account's owner has logged in.

        Raises:
            RateLimited: the attempt comes too soon; `Retry-After` says when the next one may come.
        """
        now = self._clock()
        attempt = Attempt(_account_key(email, network if network in known else "elsewhere"), f"network:{network}")
        # The network first: an attempt that is refused for its network doesn't count against the account.
        _refuse_until(await self._counters.blocked_until(attempt.network_key, now), now)
        _refuse_until(await self._counters.count(attempt.account_key, now, OF_ACCOUNT.delay_after), now)
        return attempt

    async def failed(self, attempt: Attempt) -> None:
        """Count the failure for the network too; only now, since a whole office may log in at once."""
        await self._counters.count(attempt.network_key, self._clock(), OF_NETWORK.delay_after)

    async def succeeded(self, attempt: Attempt) -> None:
        """Forget the account's failures."""
        await self._counters.forget(attempt.account_key)

    async def withdraw(self, attempt: Attempt) -> None:
        """Undo what `begin` counted, when the password was not verified."""
        await self._counters.take_back(attempt.account_key, self._clock())


def network_of(address: str) -> str:
    """Return the network that counts as one address: for IPv6 the /64, since a customer has a whole one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        # The peer of a Unix socket has no address.
        return "local"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    # Converted to int, since the zone of a link-local address is not allowed in a network.
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed), _IPV6_PREFIX), strict=False))


def _refuse_until(then: datetime, now: datetime) -> None:
    if then > now:
        raise RateLimited(headers={"Retry-After": str(math.ceil((then - now).total_seconds()))})


def _account_key(email: str, place: str) -> str:
    # Hashed: a counter must not store an e-mail, least of all one without an account.
    return f"account:{hashlib.sha256(email.encode()).hexdigest()}:{place}"
