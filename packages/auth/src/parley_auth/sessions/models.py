"""Sessions: a login opens one, a refresh continues it, a logout ends it (ASVS V7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from parley_auth.tokens.access_tokens import IssuedToken
from parley_auth.tokens.refresh_tokens import RefreshToken

IDLE = timedelta(days=7)
ABSOLUTE = timedelta(days=30)
MAX_SESSIONS = 10


@dataclass(frozen=True)
class TokenPair:
    """The tokens that a login or a refresh issues."""

    access: IssuedToken
    refresh: str


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
class Exchange:
    """The state of a session's refresh tokens.

    Args:
        current: the digest of the token that can be exchanged next.
        spent: the digest of the token that was exchanged last.
        raced_until: nanoseconds since 1970; a request for `spent` that began before cannot have seen its answer.
    """

    current: str
    spent: str | None
    raced_until: int

    def knows(self, token: RefreshToken) -> bool:
        """Return whether the token is the current one or the one that was exchanged last."""
        return token.digest in (self.current, self.spent)

    def raced(self, token: RefreshToken, begun: int) -> bool:
        """Return whether the request with `token` ran beside its exchange, rather than after it."""
        return token.digest == self.spent and begun < self.raced_until
