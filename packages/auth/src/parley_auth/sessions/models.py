"""Sessions: a login opens one, a refresh continues it, a logout ends it (ASVS V7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from parley_auth.tokens.access_tokens import IssuedToken
from parley_auth.tokens.refresh_tokens import RefreshToken

IDLE = timedelta(days=7)
ABSOLUTE = timedelta(days=30)
MAX_SESSIONS = 10
SHORTEST_RACE, LONGEST_RACE = timedelta(seconds=0.2), timedelta(seconds=1)
"""How long after an exchange others with the same token have raced with it: its answer is sent no sooner."""
REPEATABLE = timedelta(seconds=60)
"""How long a request can be repeated whose answer was lost."""


@dataclass(frozen=True)
class TokenPair:
    """The tokens that a login or a refresh issues.

    Args:
        access: the access token.
        refresh: the refresh token.
        is_repeated: the refresh token was issued before, in an answer that was lost.
    """

    access: IssuedToken
    refresh: str
    is_repeated: bool = False


@dataclass(frozen=True)
class LoginSession:
    """One login of a user on one device.

    Args:
        id: random, 24 hexadecimal digits.
        created_at: when the user logged in.
        used_at: when its refresh token was last exchanged.
        idle_until: when it ends unless it is used before.
        ends_at: when it ends in any case.
        network: the network of the login.
        user_agent: the client's `User-Agent`, cut to 200 characters.
    """

    id: str
    created_at: datetime
    used_at: datetime
    idle_until: datetime
    ends_at: datetime
    network: str
    user_agent: str


@dataclass(frozen=True)
class Repeatable:
    """What a session keeps of the token that was exchanged last, so that a lost answer can be given again.

    Args:
        sealed: the token that it was exchanged for, see `seal`.
        key_digest: of the `Idempotency-Key` of that request, see `digest_of_key`; None without one.
        unanswered_at: when it was stored that a request with the spent token was answered 503; None if none was.
    """

    sealed: bytes
    key_digest: str | None
    unanswered_at: datetime | None


@dataclass(frozen=True)
class Exchange:
    """The state of a session's refresh tokens. The instants in it are the database's, so that all workers agree.

    Args:
        current: the digest of the token that can be exchanged next.
        spent: the digest of the token that was exchanged last.
        spent_at: when that was.
        race: how long after that a request with `spent` can't have seen the answer.
        repeatable: what is kept for repeats of that request.
        token_version: the account's.
        now: when this was read.
    """

    current: str
    spent: str | None
    spent_at: datetime
    race: timedelta
    repeatable: Repeatable
    token_version: int
    now: datetime

    @property
    def age(self) -> timedelta:
        """How long ago the last exchange was."""
        return self.now - self.spent_at

    def spent_last(self, token: RefreshToken) -> bool:
        """Return whether the token was exchanged last, which means that its successor is unused."""
        return token.digest == self.spent

    def knows(self, token: RefreshToken) -> bool:
        """Return whether the token is the current one or the one that was exchanged last."""
        return token.digest in (self.current, self.spent)

    def raced(self, token: RefreshToken, begun: datetime) -> bool:
        """Return whether a request that began then ran beside its token's exchange, rather than after the answer."""
        return self.spent_last(token) and begun < self.spent_at + self.race

    def is_repeat(self, token: RefreshToken, key_digest: str | None) -> bool:
        """Return whether a request is known to be a repeat by somebody who didn't get the answer.

        Args:
            token: of the request.
            key_digest: of its `Idempotency-Key`.
        """
        if not self.spent_last(token):
            return False
        if key_digest is not None and key_digest == self.repeatable.key_digest and self.age < REPEATABLE:
            return True
        unanswered_at = self.repeatable.unanswered_at
        return unanswered_at is not None and self.now - unanswered_at < REPEATABLE


def race_after(latency: timedelta) -> timedelta:
    """Return how long requests of the same moment may take to arrive, where a read takes `latency`."""
    return min(SHORTEST_RACE + 3 * latency, LONGEST_RACE)
