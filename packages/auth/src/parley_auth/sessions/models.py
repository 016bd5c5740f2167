"""Sessions: what a login opens, a refresh continues and a logout ends (ASVS V7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

IDLE = timedelta(days=7)
ABSOLUTE = timedelta(days=30)
MOST = 10


@dataclass(frozen=True)
class LoginSession:
    """One login of a user on one device.

    Args:
        id: random, 24 hexadecimal digits.
        created_at: when it began.
        used_at: when its refresh token was last exchanged.
        idle_until: it ends then unless it is used before.
        ends_at: it ends then whatever happens.
        network: where it began.
        user_agent: what the client called itself, cut to 200 characters.
    """

    id: str
    created_at: datetime
    used_at: datetime
    idle_until: datetime
    ends_at: datetime
    network: str
    user_agent: str
