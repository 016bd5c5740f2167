"""Throttling of passwords: growing delays, counted in MongoDB before anything is hashed (ASVS 6.1.1, 6.3.1).

Failures count for the account and for the network that they come from. A network that the owner has logged in from has
a counter of its own, so that a stranger's failures never lock him out there.
"""

import hashlib
import ipaddress
import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from parley_auth.errors import RateLimited
from parley_auth.passwords.throttle_repository import ThrottleRepository
from parley_core import Clock, Database

_LONGEST = timedelta(minutes=15)
_CUSTOMER = 64


@dataclass(frozen=True)
class Allowance:
    """How many failures are free; after them the delay doubles from one second to 15 minutes."""

    free: int

    def delay_after(self, failures: int) -> timedelta:
        """How long the next attempt has to wait."""
        beyond = failures - self.free
        return timedelta(0) if beyond <= 0 else min(timedelta(seconds=2 ** min(beyond - 1, 10)), _LONGEST)


OF_ACCOUNT = Allowance(free=5)
# Many people share a network behind one router.
OF_NETWORK = Allowance(free=50)


@dataclass(frozen=True)
class Attempt:
    """An attempt that counts as a failure of the account until it turns out to be none."""

    account_key: str
    network_key: str


class Throttle:
    """Counts failures and refuses attempts that come too soon after them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._counters = ThrottleRepository(database)
        self._clock = clock

    async def begin(self, email: str, network: str, *, known: Collection[str]) -> Attempt:
        """Counts an attempt before its password is looked at, so that concurrent ones can't slip through.

        Args:
            email: the normalised e-mail, of an account or not.
            network: where the attempt comes from.
            known: the networks that the account's owner has logged in from.

        Raises:
            RateLimited: it comes too soon; `Retry-After` says when the next one may.
        """
        now = self._clock()
        attempt = Attempt(_account_key(email, network if network in known else "elsewhere"), f"network:{network}")
        # The network first: an attempt that it refuses doesn't count against the account.
        _refuse_until(await self._counters.blocked_until(attempt.network_key, now), now)
        _refuse_until(await self._counters.count(attempt.account_key, now, OF_ACCOUNT.delay_after), now)
        return attempt

    async def failed(self, attempt: Attempt) -> None:
        """Counts the failure for the network too; not before, since whole offices log in at once."""
        await self._counters.count(attempt.network_key, self._clock(), OF_NETWORK.delay_after)

    async def succeeded(self, attempt: Attempt) -> None:
        """Forgets the account's failures."""
        await self._counters.forget(attempt.account_key)

    async def withdraw(self, attempt: Attempt) -> None:
        """Takes back what `begin` counted: the password was never looked at."""
        await self._counters.take_back(attempt.account_key, self._clock())


def network_of(address: str) -> str:
    """The network that counts as one address: an IPv6 customer has a /64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        # The peer of a Unix socket has no address.
        return "local"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    # Without the zone of a link-local address, which has no place in a network.
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed), _CUSTOMER), strict=False))


def _refuse_until(then: datetime, now: datetime) -> None:
    if then > now:
        raise RateLimited(headers={"Retry-After": str(math.ceil((then - now).total_seconds()))})


def _account_key(email: str, place: str) -> str:
    # Hashed: the counter of an e-mail that nobody has an account with must not keep it.
    return f"account:{hashlib.sha256(email.encode()).hexdigest()}:{place}"
