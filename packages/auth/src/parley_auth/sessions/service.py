"""Logging in, staying logged in, logging out."""

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass

from parley_auth.accounts.repository import UserRepository
from parley_auth.accounts.schemas import normalised
from parley_auth.errors import (
    InvalidCredentials,
    InvalidToken,
    RefreshInProgress,
    RefreshReused,
    SessionNotFound,
)
from parley_auth.models import Credentials, Principal
from parley_auth.passwords.check import PasswordProof
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.origin import Origin
from parley_auth.security_log import log_security_event
from parley_auth.sessions.models import ABSOLUTE, IDLE, LoginSession
from parley_auth.sessions.refresh_tokens import RefreshToken
from parley_auth.sessions.repository import SessionRepository
from parley_auth.tokens.access_tokens import AccessTokens, IssuedToken
from parley_core import Clock, Parley, ParleyError
from parley_core.errors import Unavailable

# Seconds for which an answer is held back, so that whoever refreshes at the same moment still comes before it. Once in
# an access token's lifetime that costs nobody anything.
_HELD = 0.2
# Nanoseconds after which a worker that died before it answered an exchange excuses nobody any more.
_LONGEST_EXCHANGE = 10_000_000_000


@dataclass(frozen=True)
class TokenPair:
    """What a login or a refresh answers."""

    access: IssuedToken
    refresh: str


class SessionService:
    """Opens, continues and ends sessions."""

    def __init__(self, parley: Parley) -> None:
        self._users = UserRepository(parley.database)
        self._sessions = SessionRepository(parley.database)
        self._tokens = parley.require(AccessTokens)
        self._passwords = parley.require(Passwords)
        self._proof = PasswordProof(parley)
        self._clock: Clock = parley.clock

    async def log_in(self, email: str, password: str, origin: Origin) -> TokenPair:
        """Opens a session of the active account with this e-mail and password.

        Raises:
            RateLimited: too many attempts have failed.
            InvalidCredentials: there is none; the same work has been done, whatever the reason.
        """
        email = normalised(email)
        found = await self._users.credentials({"email": {"$eq": email}})
        usable = found if found and found.user.active else None
        if not await self._proof.holds(usable, password, origin, email=email) or usable is None:
            raise InvalidCredentials
        pair = await self._open(usable, origin)
        await self._renew_hash(usable, password)
        return pair

    async def refresh(self, text: str, origin: Origin) -> TokenPair:
        """Exchanges a refresh token, which is spent by that.

        Raises:
            InvalidToken: it is not ours, or its session has ended.
            RefreshReused: it was spent before; its session ends, the newest token included.
            RefreshInProgress: another request has spent it, whose answer this one's sender can't have had.
        """
        # Not the application's clock: what is compared is the order of requests, to the nanosecond.
        begun = time.time_ns()
        if (spent := RefreshToken.parse(text)) is None:
            raise InvalidToken
        before = await self._sessions.exchange(spent, self._clock())
        if before is None:
            raise InvalidToken
        following = RefreshToken.new(spent.user_id, spent.session_id)
        version = await self._sessions.rotate(spent, following, self._clock(), raced_until=begun + _LONGEST_EXCHANGE)
        if version is None:
            raise await self._reason_against(spent, origin, begun=begun, was_current=before.current == spent.digest)
        await asyncio.sleep(_HELD)
        await self._sessions.settle(following, time.time_ns())
        return self._pair(following, version)

    async def log_out(self, principal: Principal, origin: Origin) -> None:
        """Ends the caller's session."""
        await self._sessions.end(principal.id, principal.session_id)
        log_security_event("session_ended", origin.request_id, user_id=principal.id, session_id=principal.session_id)

    async def log_out_everywhere(self, principal: Principal, origin: Origin) -> None:
        """Ends every session of the caller."""
        await self._sessions.end_all(principal.id)
        log_security_event("sessions_ended", origin.request_id, user_id=principal.id)

    async def list_live(self, principal: Principal) -> list[LoginSession]:
        """The caller's sessions, oldest first."""
        return await self._sessions.live(principal.id, self._clock())

    async def end(self, principal: Principal, session_id: str, origin: Origin) -> None:
        """Ends one of the caller's sessions; raises `SessionNotFound` (404)."""
        if not await self._sessions.end(principal.id, session_id):
            raise SessionNotFound
        log_security_event("session_ended", origin.request_id, user_id=principal.id, session_id=session_id)

    async def _renew_hash(self, credentials: Credentials, password: str) -> None:
        if not self._passwords.is_outdated(credentials.password_hash):
            return
        # A login that has succeeded doesn't fail for a full queue: the next one does it.
        with suppress(Unavailable):
            await self._users.rehash(credentials, await self._passwords.hash(password))

    async def _open(self, credentials: Credentials, origin: Origin) -> TokenPair:
        now = self._clock()
        # Random, so that nobody can name, and by that end, a session that he wasn't told of.
        session = LoginSession(
            id=secrets.token_hex(12),
            created_at=now,
            used_at=now,
            idle_until=now + IDLE,
            ends_at=now + ABSOLUTE,
            network=origin.network,
            user_agent=origin.user_agent,
        )
        token = RefreshToken.new(credentials.user.id, session.id)
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

    def _pair(self, token: RefreshToken, token_version: int) -> TokenPair:
        access = self._tokens.issue(token.user_id, session_id=token.session_id, token_version=token_version)
        return TokenPair(access, token.text)

    async def _reason_against(
        self, spent: RefreshToken, origin: Origin, *, begun: int, was_current: bool
    ) -> ParleyError:
        """Why a token that belongs to a session couldn't be exchanged; a reuse ends the session.

        Whoever began before the exchange was answered raced with it, as two tabs of a browser do. That his token was
        current when he first looked shows it on any clock; else the times say, of one machine or several that agree.
        """
        exchange = await self._sessions.exchange(spent, self._clock())
        if exchange is None:
            return InvalidToken()
        if was_current or exchange.raced(spent, begun):
            return RefreshInProgress()
        await self._sessions.end(spent.user_id, spent.session_id)
        log_security_event(
            "refresh_reused",
            origin.request_id,
            user_id=spent.user_id,
            session_id=spent.session_id,
            network=origin.network,
        )
        return RefreshReused()
