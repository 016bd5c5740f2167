"""Exchanging refresh tokens: each works once, and a request whose answer was lost can be repeated (RFC 9700, 4.14)."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from parley_auth.errors import InvalidToken, RefreshInProgress, RefreshReused
from parley_auth.passwords.origin import Origin
from parley_auth.security_log import Kind, log_security_event
from parley_auth.sessions.models import Exchange, TokenPair, race_after
from parley_auth.sessions.repository import SessionRepository
from parley_auth.tokens.access_tokens import AccessTokens
from parley_auth.tokens.refresh_tokens import RefreshToken, RefreshTokens
from parley_auth.tokens.sealing import digest_of_key, seal, unseal
from parley_auth.when_back import WhenBack
from parley_core import Clock
from parley_core.data.deadline import remaining, time_is_over
from parley_core.data.failures import DatabaseError, is_outage
from parley_core.errors import Unavailable

# Whoever was answered 503 repeats after the two seconds of its `Retry-After`.
_SOONEST_REPEAT = timedelta(seconds=2)
# Seconds after MongoDB is back in which the worker that has answered 503 stores this; of a short request half its time.
_NOTED_WITHIN = 1.5
_PAUSE = 0.1
_NO_TIME = timedelta(0)
# Seconds after the end of a race before the answer is sent: who uses the token then has begun later, as reads that
# are quicker than this show. Of slow ones so many are tried.
_MARGIN = 0.03
_READS = 3


class _Attempt:
    """A request with a refresh token.

    When it began, by the database's time, is somewhere between `earliest` and `latest`: each read narrows that.
    """

    def __init__(self, token: RefreshToken, key: str | None) -> None:
        self.token = token
        self.key_digest = None if key is None else digest_of_key(key, token)
        self.earliest, self.latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        self._begun = time.monotonic()

    @property
    def waited(self) -> timedelta:
        """How long ago the request began."""
        return timedelta(seconds=time.monotonic() - self._begun)

    def narrow(self, now: datetime, *, asked: timedelta) -> None:
        """Learn from a read when the request began.

        Args:
            now: the database's time at the read.
            asked: how long the request had waited before it asked.
        """
        self.earliest = max(self.earliest, now - self.waited)
        self.latest = min(self.latest, now - asked)


class RefreshService:
    """Exchanges refresh tokens.

    Args:
        sessions: where the sessions are stored.
        tokens: issues access tokens.
        refresh_tokens: issues refresh tokens.
        when_back: stores later that a request was answered 503.
        grace: how long after an exchange everybody gets its answer again.
        timeout_seconds: the time that a request has.
        clock: decides whether a session lives. What happened first is decided by the database's time.
    """

    def __init__(
        self,
        *,
        sessions: SessionRepository,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        when_back: WhenBack,
        grace: timedelta,
        timeout_seconds: float,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._refresh_tokens = refresh_tokens
        self._when_back = when_back
        self._grace = grace
        self._noted_within = min(_NOTED_WITHIN, timeout_seconds / 2)
        self._clock = clock

    async def refresh(self, text: str, origin: Origin, *, idempotency_key: str | None) -> TokenPair:
        """Exchange a refresh token, which is spent afterwards; a repeat by an honest client gets the same successor.

        Args:
            text: the refresh token.
            origin: where the request comes from.
            idempotency_key: what the client repeats when it didn't get the answer.

        Raises:
            InvalidToken: the token was never issued, which ends nothing, or its session has ended.
            Unavailable: MongoDB has answered too late to find out whether this is a repeat.
            DatabaseError: MongoDB didn't answer in time, after which a repeat is known as one.
            RefreshReused: the token was spent before; its session ends, the newest tokens included.
            RefreshInProgress: another request has spent the token, and its answer cannot have arrived yet.
        """
        if (token := RefreshToken.parse(text)) is None:
            raise _invalid()
        attempt = _Attempt(token, idempotency_key)
        try:
            pair = await self._answer(attempt)
        except DatabaseError as error:
            # Not for tokens that were never issued: nobody else can fill the memory.
            if is_outage(error) and self._refresh_tokens.recognise(token):
                self._when_back.add(_note_of(token), lambda: self._sessions.note_unanswered(token))
            raise
        if pair is None:
            await self._sessions.end(token.user_id, token.session_id)
            _log("refresh_reused", token, origin)
            raise RefreshReused
        if pair.is_repeated:
            _log("refresh_repeated", token, origin)
        return pair

    async def _answer(self, attempt: _Attempt) -> TokenPair | None:
        """Return new tokens, or for a repeat those of the exchange; None when this may be a theft."""
        before, took = await self._state(attempt), attempt.waited
        was_current = before.current == attempt.token.digest
        if was_current and (pair := await self._exchanged(attempt, before.now, took)):
            return pair
        return await self._repeated(attempt, was_current=was_current)

    async def _exchanged(self, attempt: _Attempt, now: datetime, took: timedelta) -> TokenPair | None:
        """Return the tokens of an exchange; None when another request has exchanged the token.

        Args:
            attempt: the request.
            now: the database's time.
            took: from the begin of the request until this time was read, or a little more.
        """
        token = attempt.token
        following = self._refresh_tokens.issue(token.user_id, token.session_id)
        race, sealed = race_after(took), seal(following, token)
        after = await self._sessions.rotate(
            token, following, self._clock(), race=race, sealed=sealed, key_digest=attempt.key_digest
        )
        if after is None:
            return None
        # Requests of the same moment arrive before the answer is sent. It happens once in an access token's lifetime.
        left = after.spent_at + race - now - (attempt.waited - took)
        await _pause(min(max(left, _NO_TIME), race).total_seconds() + _MARGIN)
        return self._pair(following, after)

    async def _repeated(self, attempt: _Attempt, *, was_current: bool) -> TokenPair | None:
        """Return the tokens that a spent token was exchanged for; None when this may be a theft.

        Raises:
            InvalidToken: the token was never issued, or its session has ended.
            RefreshInProgress: the request began before the exchange was answered, as that of another tab does.
        """
        token, state = attempt.token, await self._state(attempt)
        # Ids alone make no token: a caller who knows them must not be able to end the session.
        if not (state.knows(token) or self._refresh_tokens.recognise(token)):
            raise _invalid()
        if not self._is_repeat(attempt, state):
            if was_current or await self._raced(attempt, state):
                raise RefreshInProgress
            is_in_grace = state.spent_last(token) and state.age < self._grace
            if not is_in_grace and not await self._is_noted_soon(attempt, state):
                return None
        following = unseal(state.repeatable.sealed, token)
        return self._pair(following, state, is_repeated=True) if following else None

    def _is_repeat(self, attempt: _Attempt, state: Exchange) -> bool:
        was_answered_here = _note_of(attempt.token) in self._when_back and state.spent_last(attempt.token)
        return was_answered_here or state.is_repeat(attempt.token, attempt.key_digest)

    async def _raced(self, attempt: _Attempt, state: Exchange) -> bool:
        """Return whether the request began before the exchange was answered, or may have: to end a session is worse."""
        for _ in range(_READS):
            if not state.raced(attempt.token, attempt.earliest):
                return False
            if state.raced(attempt.token, attempt.latest):
                return True
            state = await self._state(attempt)
        return state.spent_last(attempt.token)

    async def _is_noted_soon(self, attempt: _Attempt, state: Exchange) -> bool:
        """Return whether another worker now stores that it has answered the token's exchange with 503.

        Raises:
            Unavailable: the request has too little time left to find out.
        """
        if not state.spent_last(attempt.token) or state.age < _SOONEST_REPEAT:
            return False
        if (left := remaining()) is not None and left < self._noted_within:
            raise Unavailable
        ends_at = time.monotonic() + self._noted_within
        while time.monotonic() < ends_at:
            await asyncio.sleep(_PAUSE)
            if self._is_repeat(attempt, await self._state(attempt)):
                return True
        return False

    async def _state(self, attempt: _Attempt) -> Exchange:
        asked = attempt.waited
        state = await self._sessions.exchange(attempt.token, self._clock())
        if state is None:
            raise _invalid()
        attempt.narrow(state.now, asked=asked)
        return state

    def _pair(self, token: RefreshToken, state: Exchange, *, is_repeated: bool = False) -> TokenPair:
        access = self._tokens.issue(token.user_id, session_id=token.session_id, token_version=state.token_version)
        return TokenPair(access, token.text, is_repeated=is_repeated)


async def _pause(seconds: float) -> None:
    """Wait, unless the request's time would be over before: the answer is 503 at once then, and can be repeated."""
    if (left := remaining()) is not None and left < seconds:
        raise time_is_over()
    await asyncio.sleep(seconds)


def _note_of(token: RefreshToken) -> str:
    return f"refresh:{token.digest}"


def _log(kind: Kind, token: RefreshToken, origin: Origin) -> None:
    ids = {"user_id": token.user_id, "session_id": token.session_id}
    log_security_event(kind, origin.request_id, **ids, network=origin.network)


def _invalid() -> InvalidToken:
    return InvalidToken("The refresh token is not valid: log in again")
