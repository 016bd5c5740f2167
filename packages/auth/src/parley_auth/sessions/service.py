"""Logging in, refreshing, logging out."""

import asyncio
import secrets
import time
from contextlib import suppress

from parley_auth.accounts.repository import UserRepository
from parley_auth.emails import normalised
from parley_auth.errors import (
    InvalidCredentials,
    InvalidToken,
    RefreshInProgress,
    RefreshReused,
    SessionNotFound,
)
from parley_auth.models import Credentials, Principal
from parley_auth.passwords.check import PasswordCheck
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.origin import Origin
from parley_auth.security_log import log_security_event
from parley_auth.sessions.models import ABSOLUTE, IDLE, LoginSession, TokenPair
from parley_auth.sessions.repository import SessionRepository
from parley_auth.tokens.access_tokens import AccessTokens
from parley_auth.tokens.refresh_tokens import RefreshToken, RefreshTokens
from parley_core import Clock, ParleyError
from parley_core.errors import Unavailable

# Seconds by which the answer to a refresh is delayed, so that requests of the same moment arrive before it is sent.
# It happens once in an access token's lifetime.
_ANSWER_DELAY = 0.2
# Nanoseconds after which an exchange that was never answered, because its worker died, no longer explains a reuse.
_LONGEST_EXCHANGE = 10_000_000_000


class SessionService:
    """Opens, continues and ends sessions."""

    def __init__(
        self,
        *,
        users: UserRepository,
        sessions: SessionRepository,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        passwords: Passwords,
        check: PasswordCheck,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._tokens = tokens
        self._refresh_tokens = refresh_tokens
        self._passwords = passwords
        self._check = check
        self._clock = clock

    async def log_in(self, email: str, password: str, origin: Origin) -> TokenPair:
        """Open a session of the active account with this e-mail and password.

        Raises:
            RateLimited: too many attempts have failed.
            InvalidCredentials: there is no such account; the work done is the same, whatever the reason.
        """
        email = normalised(email)
        found = await self._users.credentials({"email": {"$eq": email}})
        usable = found if found and found.user.active else None
        if not await self._check.matches(usable, password, origin, email=email) or usable is None:
            raise InvalidCredentials
        pair = await self.open(usable, origin)
        await self._renew_hash(usable, password)
        return pair

    async def open(self, credentials: Credentials, origin: Origin) -> TokenPair:
        """Open a session of an account; raise `InvalidCredentials` (401) when the account has changed meanwhile."""
        now = self._clock()
        # A random id, so that nobody can guess a session's id in order to end it.
        session = LoginSession(
            id=secrets.token_hex(12),
            created_at=now,
            used_at=now,
            idle_until=now + IDLE,
            ends_at=now + ABSOLUTE,
            network=origin.network,
            user_agent=origin.user_agent,
        )
        token = self._refresh_tokens.issue(credentials.user.id, session.id)
        if not await self._sessions.open(credentials, session, token.digest):
            raise InvalidCredentials
        log_security_event(
            "login",
            origin.request_id,
            user_id=credentials.user.id,
            session_id=session.id,
            network=origin.network,
        )
        return self._pair(token, credentials.token_version)

    async def refresh(self, text: str, origin: Origin) -> TokenPair:
        """Exchange a refresh token, which is spent afterwards.

        Raises:
            InvalidToken: the token was never issued, which ends nothing, or its session has ended.
            RefreshReused: the token was spent before; its session ends, the newest tokens included.
            RefreshInProgress: another request has spent the token, and its answer cannot have arrived yet.
        """
        # Not the application's clock: the order of requests is compared, to the nanosecond.
        begun = time.time_ns()
        if (spent := RefreshToken.parse(text)) is None:
            raise _invalid()
        before = await self._sessions.exchange(spent, self._clock())
        if before is None:
            raise _invalid()
        following = self._refresh_tokens.issue(spent.user_id, spent.session_id)
        version = await self._sessions.rotate(spent, following, self._clock(), raced_until=begun + _LONGEST_EXCHANGE)
        if version is None:
            raise await self._refusal_of(spent, origin, begun=begun, was_current=before.current == spent.digest)
        await asyncio.sleep(_ANSWER_DELAY)
        await self._sessions.settle(following, time.time_ns())
        return self._pair(following, version)

    async def log_out(self, principal: Principal, origin: Origin) -> None:
        """End the caller's session."""
        await self._sessions.end(principal.id, principal.session_id)
        log_security_event("session_ended", origin.request_id, user_id=principal.id, session_id=principal.session_id)

    async def log_out_everywhere(self, principal: Principal, origin: Origin) -> None:
        """End every session of the caller."""
        await self._sessions.end_all(principal.id)
        log_security_event("sessions_ended", origin.request_id, user_id=principal.id)

    async def list_live(self, principal: Principal) -> list[LoginSession]:
        """Return the caller's sessions, oldest first."""
        return await self._sessions.live(principal.id, self._clock())

    async def end(self, principal: Principal, session_id: str, origin: Origin) -> None:
        """End one of the caller's sessions; raise `SessionNotFound` (404)."""
        if not await self._sessions.end(principal.id, session_id):
            raise SessionNotFound
        log_security_event("session_ended", origin.request_id, user_id=principal.id, session_id=session_id)

    async def _renew_hash(self, credentials: Credentials, password: str) -> None:
        if credentials.password_hash is None or not self._passwords.needs_rehash(credentials.password_hash):
            return
        # A login that has succeeded doesn't fail because of a full queue: the next login rehashes.
        with suppress(Unavailable):
            await self._users.rehash(credentials, await self._passwords.hash(password))

    def _pair(self, token: RefreshToken, token_version: int) -> TokenPair:
        access = self._tokens.issue(token.user_id, session_id=token.session_id, token_version=token_version)
        return TokenPair(access, token.text)

    async def _refusal_of(self, spent: RefreshToken, origin: Origin, *, begun: int, was_current: bool) -> ParleyError:
        """Return why a token of a live session couldn't be exchanged; a reuse ends the session.

        A request that began before the exchange was answered raced with it, as two tabs of a browser do. If its token
        was current at its first read, it raced whatever the clocks say. Otherwise the times decide, which must come
        from one machine or from machines whose clocks agree.
        """
        exchange = await self._sessions.exchange(spent, self._clock())
        if exchange is None:
            return _invalid()
        if was_current or exchange.raced(spent, begun):
            return RefreshInProgress()
        # Ids alone make no token: a caller who knows them must not be able to end the session.
        if not (exchange.knows(spent) or self._refresh_tokens.recognise(spent)):
            return _invalid()
        await self._sessions.end(spent.user_id, spent.session_id)
        log_security_event(
            "refresh_reused",
            origin.request_id,
            user_id=spent.user_id,
            session_id=spent.session_id,
            network=origin.network,
        )
        return RefreshReused()


def _invalid() -> InvalidToken:
    return InvalidToken("The refresh token is not valid: log in again")
