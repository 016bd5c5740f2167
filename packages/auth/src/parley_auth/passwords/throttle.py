"""Throttling of passwords: growing delays, counted in MongoDB before anything is hashed (ASVS 6.1.1, 6.3.1).

An account's failures delay that account: together on all networks that its owner never logged in from, and by a counter
of its own on each other one. Accounts that fail on a network that their owners never logged in from count for its site,
and delay only attempts of that kind. So others never delay anybody where they usually log in.
"""

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from parley_auth.errors import RateLimited
from parley_auth.passwords.origin import Origin
from parley_auth.passwords.throttle_repository import Entry, ThrottleRepository
from parley_core import Clock

_MAX_DELAY = timedelta(minutes=15)


@dataclass(frozen=True)
class Allowance:
    """What is counted without a delay; after that the delay doubles from one second to 15 minutes."""

    free: int

    def delay_after(self, count: int) -> timedelta:
        """Return how long the next attempt must wait."""
        beyond = count - self.free
        return timedelta(0) if beyond <= 0 else min(timedelta(seconds=2 ** min(beyond - 1, 10)), _MAX_DELAY)


OF_ACCOUNT = Allowance(free=5)
"""Failures of an account."""

OF_SITE = Allowance(free=50)
"""Accounts that failed on a site; each halves every hour. As many people may try to log in there at once."""


@dataclass(frozen=True)
class Attempt:
    """An attempt, which counts as a failure until it succeeds.

    Args:
        account_key: the counter of the account's failures.
        entry: what counts for the site; None on a network that the owner has logged in from.
    """

    account_key: str
    entry: Entry | None


class Throttle:
    """Counts failures and refuses attempts that come too soon after a failure."""

    def __init__(self, *, counters: ThrottleRepository, clock: Clock) -> None:
        self._counters = counters
        self._clock = clock

    async def begin(self, email: str, origin: Origin, *, known: Collection[str]) -> Attempt:
        """Count an attempt before its password is verified, so that concurrent attempts cannot slip through.

        Args:
            email: the normalised e-mail, whether or not an account has it.
            origin: where the attempt comes from.
            known: the networks from which the account's owner has logged in.

        Raises:
            RateLimited: the attempt comes too soon; `Retry-After` says when the next one may come.
        """
        now = self._clock()
        # Hashed: a counter must not store an e-mail, least of all one without an account.
        account = hashlib.sha256(email.encode()).hexdigest()
        if origin.network not in known:
            return await self._begin_elsewhere(account, origin.site, now)
        key = f"account:{account}:{origin.network}"
        refuse_until(await self._counters.count(key, now, OF_ACCOUNT.delay_after), now)
        return Attempt(key, None)

    async def _begin_elsewhere(self, account: str, site: str, now: datetime) -> Attempt:
        key, entry = f"account:{account}:elsewhere", Entry(f"site:{site}", account[:16])
        # The site first: an attempt that is refused for its site doesn't count against the account.
        refuse_until(await self._counters.blocked_until(entry.site_key, now), now)
        refuse_until(await self._counters.count(key, now, OF_ACCOUNT.delay_after), now)
        until, entered = await self._counters.enter(entry, now, OF_SITE.delay_after)
        if until > now:
            # Another attempt of this moment is the one that the site's delay allows.
            await self._counters.take_back(key)
        refuse_until(until, now)
        return Attempt(key, entered)

    async def succeeded(self, attempt: Attempt) -> None:
        """Forget the account's failures, also for its site.

        Other accounts' failures stay, or a login with an account of one's own would hide them.
        """
        await self._counters.forget(attempt.account_key)
        if attempt.entry:
            await self._counters.remove(attempt.entry, self._clock(), free=OF_SITE.free)

    async def withdraw(self, attempt: Attempt) -> None:
        """Undo what `begin` counted, when the password was not verified."""
        await self._counters.take_back(attempt.account_key)
        if attempt.entry:
            await self._counters.restore(attempt.entry, self._clock(), free=OF_SITE.free)


def refuse_until(then: datetime, now: datetime, detail: str | None = None) -> None:
    """Raise `RateLimited` with the time to wait, if `then` is still to come."""
    if then > now:
        raise RateLimited(detail, headers={"Retry-After": str(math.ceil((then - now).total_seconds()))})
