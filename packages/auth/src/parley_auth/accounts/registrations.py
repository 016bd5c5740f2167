"""How many accounts may be registered from one network."""

from parley_auth.accounts.registration_repository import RegistrationRepository
from parley_auth.errors import RateLimited
from parley_auth.passwords.origin import Origin
from parley_auth.passwords.throttle import refuse_until
from parley_auth.security_log import log_security_event
from parley_core import Clock
from parley_core.refusals import count_refusal

_REFUSED = "Too many accounts have been registered from your network: wait for the time in Retry-After"


class RegistrationBudget:
    """Counts registrations by site, in any hour; clients on this machine and in private networks aren't counted.

    Args:
        counters: the counters, which all workers share.
        limit: registrations per site and hour; 0 for no limit.
        clock: returns the time.
    """

    def __init__(self, *, counters: RegistrationRepository, limit: int, clock: Clock) -> None:
        self._counters = counters
        self._limit = limit
        self._clock = clock

    async def spend(self, origin: Origin) -> None:
        """Count a registration before its password is hashed, whatever becomes of it; raise `RateLimited` (429)."""
        if origin.is_internal or not self._limit:
            return
        now = self._clock()
        try:
            refuse_until(await self._counters.count(origin.site, now, limit=self._limit), now, _REFUSED)
        except RateLimited:
            count_refusal("registrations")
            log_security_event("registration_throttled", origin.request_id, network=origin.network)
            raise
