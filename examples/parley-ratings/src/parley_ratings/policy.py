"""Who may rate an interview, and who may read its ratings: never its candidate, whatever their account is."""

from parley_auth import ADMIN, OUTSIDER, PolicyRule

SCOPE = "interview"
READ, WRITE = "ratings:read", "ratings:write"

_INTERVIEWER = frozenset({"interviewer"})

POLICIES = [
    PolicyRule(action=READ, scope=SCOPE, roles=frozenset({ADMIN}), relations=_INTERVIEWER | {OUTSIDER}),
    PolicyRule(action=READ, scope=SCOPE, roles=_INTERVIEWER, relations=_INTERVIEWER),
    PolicyRule(
        action=WRITE,
        scope=SCOPE,
        roles=_INTERVIEWER,
        relations=_INTERVIEWER,
        states=frozenset({"completed"}),
    ),
]
