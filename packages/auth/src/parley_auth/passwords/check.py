"""The password check: throttled, and with the same work whatever the answer is."""

from collections.abc import Awaitable, Callable

from parley_auth.models import Credentials
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.origin import Origin
from parley_auth.passwords.throttle import Attempt, Throttle
from parley_auth.security_log import Kind, digest_of, log_security_event
from parley_auth.when_back import WhenBack
from parley_core.data.failures import DatabaseError, is_outage
from parley_core.errors import RateLimitError, Unavailable
from parley_core.refusals import count_refusal


class PasswordCheck:
    """Verifies passwords under the throttle.

    Args:
        passwords: hashes them.
        throttle: counts attempts.
        when_back: stores later what MongoDB was away for, such as a success.
    """

    def __init__(self, *, passwords: Passwords, throttle: Throttle, when_back: WhenBack) -> None:
        self._passwords = passwords
        self._throttle = throttle
        self._when_back = when_back

    async def matches(self, credentials: Credentials | None, password: str, origin: Origin, *, email: str) -> bool:
        """Return whether the password is the account's.

        Args:
            credentials: the account's; None when there is no usable account, which the answer doesn't reveal.
            password: the password to verify.
            origin: where the request comes from.
            email: the normalised e-mail of the attempt.

        Raises:
            RateLimited: too many attempts have failed.
            Unavailable: the queue of passwords to hash is full, or takes longer than the request's time.
        """
        known = credentials.known_networks if credentials else ()
        try:
            attempt = await self._throttle.begin(email, origin, known=known)
        except RateLimitError:
            count_refusal("logins")
            self._log("login_throttled", credentials, origin, email)
            raise
        try:
            matches = await self._passwords.verify(credentials.password_hash if credentials else None, password)
        except Unavailable:
            await self._settle(attempt, self._throttle.withdraw)
            raise
        if matches:
            await self._settle(attempt, self._throttle.succeeded)
        else:
            self._log("login_failed", credentials, origin, email)
        return matches

    async def _settle(self, attempt: Attempt, settle: Callable[[Attempt], Awaitable[None]]) -> None:
        try:
            await settle(attempt)
        except DatabaseError as error:
            # The attempt would stay counted as a failure.
            if is_outage(error):
                self._when_back.add(f"login:{attempt.account_key}", lambda: settle(attempt))
            raise

    def _log(self, kind: Kind, credentials: Credentials | None, origin: Origin, email: str) -> None:
        user_id = credentials.user.id if credentials else None
        log_security_event(
            kind, origin.request_id, user_id=user_id, email_digest=digest_of(email), network=origin.network
        )
