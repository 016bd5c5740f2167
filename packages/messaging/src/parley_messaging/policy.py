"""Who may read and post: those who take part, administrators included, and nobody besides."""

from parley_auth import Membership, PolicyRule, Role

SCOPE = "interview"
READ, POST = "messages:read", "messages:post"

_EVERYONE = frozenset(Role)

POLICIES = [
    PolicyRule(action=READ, scope=SCOPE, roles=_EVERYONE, membership=Membership.PARTICIPANT),
    PolicyRule(
        action=POST,
        scope=SCOPE,
        roles=_EVERYONE,
        membership=Membership.PARTICIPANT,
        states=frozenset({"scheduled", "ongoing"}),
    ),
]
