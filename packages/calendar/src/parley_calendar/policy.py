"""Who may do what with calendars, and how much of one's interviews a feed shows."""

from datetime import timedelta

from parley_auth import PolicyRule
from parley_core import PublicRoute

READ_INTERVIEW = "interviews:read"
"""The action of interviews: whoever reads an interview reads it as a file, too."""

CREATE, LIST, DELETE = "feeds:create", "feeds:list", "feeds:delete"

# A feed is read without the key, so that it would outlive it.
POLICIES = [PolicyRule(action=action, roles=None, for_keys=False) for action in (CREATE, LIST, DELETE)]

FEED_PATH = "/v1/calendar/feeds/{token}.ics"
PUBLIC_ROUTES = [PublicRoute("GET", FEED_PATH, "the token in the address identifies the feed and its owner")]

MAX_FEEDS = 5
"""How many feeds an account may have."""

MAX_EVENTS = 1000
"""How many interviews a feed shows."""

PAST, FUTURE = timedelta(days=90), timedelta(days=365)
"""How far a feed reaches, from now, and how long a cancelled interview stays in it."""
