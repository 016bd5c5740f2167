"""The rules of messaging as data: participants alone read and post, administrators included.

Two rules, in the module where every package keeps its own.
"""

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
