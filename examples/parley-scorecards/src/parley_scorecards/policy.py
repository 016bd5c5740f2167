"""Who may leave scorecards, and who may read them: never a candidate."""

from parley_auth import Membership, PolicyRule, Role

SCOPE = "interview"
READ, WRITE = "scorecards:read", "scorecards:write"

_ADMIN = frozenset({Role.ADMIN})
_INTERVIEWER = frozenset({Role.INTERVIEWER})

POLICIES = [
    PolicyRule(action=READ, scope=SCOPE, roles=_ADMIN),
    PolicyRule(action=READ, scope=SCOPE, roles=_INTERVIEWER, membership=Membership.PARTICIPANT),
    PolicyRule(
        action=WRITE,
        scope=SCOPE,
        roles=_INTERVIEWER,
        membership=Membership.PARTICIPANT,
        states=frozenset({"completed"}),
    ),
]
