"""Who may rate an interview, and who may read its ratings: never a candidate."""

from parley_auth import Membership, PolicyRule, Role

SCOPE = "interview"
READ, WRITE = "ratings:read", "ratings:write"

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
