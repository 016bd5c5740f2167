"""Logging in, listing sessions, logging out."""

import secrets
from contextlib import suppress
from operator import attrgetter

from parley_auth.accounts.repository import UserRepository
from parley_auth.emails import normalised
from parley_auth.errors import InvalidCredentials, SessionNotFound
from parley_auth.models import Credentials, Principal
from parley_auth.passwords.check import PasswordCheck
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.origin import Origin
from parley_auth.security_log import log_security_event
from parley_auth.sessions.models import ABSOLUTE, IDLE, LoginSession, TokenPair
from parley_auth.sessions.repository import SessionRepository
from parley_auth.tokens.access_tokens import AccessTokens
from parley_auth.tokens.refresh_tokens import RefreshTokens
from parley_core import Clock
from parley_core.errors import Unavailable
from parley_core.http.pagination import CursorQuery, Listing
from parley_core.http.walks import Walks


class SessionService:
    """Opens, lists and ends sessions."""

    def __init__(
        self,
        *,
        users: UserRepository,
        sessions: SessionRepository,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        passwords: Passwords,
        check: PasswordCheck,
        walks: Walks,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._tokens = tokens
        self._refresh_tokens = refresh_tokens
        self._passwords = passwords
        self._check = check
        self._walks = walks
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
        access = self._tokens.issue(credentials.user.id, session_id=session.id, token_version=credentials.token_version)
        return TokenPair(access, token.text)

    async def log_out(self, principal: Principal, origin: Origin) -> None:
        """End the caller's session."""
        await self._sessions.end(principal.id, principal.session_id)
        log_security_event("session_ended", origin.request_id, user_id=principal.id, session_id=principal.session_id)

    async def log_out_everywhere(self, principal: Principal, origin: Origin) -> None:
        """End every session of the caller."""
        await self._sessions.end_all(principal.id)
        log_security_event("sessions_ended", origin.request_id, user_id=principal.id)

    async def page(self, principal: Principal, query: CursorQuery) -> Listing[LoginSession]:
        """Return a page of the caller's sessions, oldest first; raise `InvalidCursor` (400)."""
        live = await self._sessions.live(principal.id, self._clock())
        return self._walks.page(
            live, query, of="sessions", order=lambda s: (s.created_at.timestamp(),), name=attrgetter("id")
        )

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
