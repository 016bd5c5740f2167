"""The rules of messaging as data: participants alone read and post, administrators included.

Two rules, in the module where every package keeps its own.
"""

from parley_auth import PolicyRule

SCOPE = "interview"
READ, POST = "messages:read", "messages:post"

POLICIES = [
    PolicyRule(action=READ, scope=SCOPE, roles=None),
    PolicyRule(
        action=POST,
        scope=SCOPE,
        roles=None,
        states=frozenset({"scheduled", "ongoing"}),
    ),
]
