"""The desk's roles, and who may do what as what."""

from parley_auth import ADMIN, OUTSIDER, PolicyRule, Role

SCOPE = "ticket"
AGENT, CUSTOMER = "agent", "customer"
RELATIONS = (AGENT, CUSTOMER)
CREATE, LIST, READ, ASSIGN, CLOSE = (f"tickets:{verb}" for verb in ("create", "list", "read", "assign", "close"))

ROLES = [
    Role(AGENT, "Answers customers."),
    Role(CUSTOMER, "Opens tickets; whoever registers is a customer.", registers=True),
]

_STAFF = frozenset({ADMIN, AGENT})
_OPEN = frozenset({"open"})

POLICIES = [
    PolicyRule(action=CREATE, roles=frozenset({CUSTOMER})),
    PolicyRule(action=LIST, roles=None),
    PolicyRule(action=READ, scope=SCOPE, roles=None),
    PolicyRule(action=READ, scope=SCOPE, roles=_STAFF, relations=frozenset({OUTSIDER})),
    PolicyRule(action=ASSIGN, scope=SCOPE, roles=_STAFF, relations=frozenset({OUTSIDER, AGENT}), states=_OPEN),
    PolicyRule(action=CLOSE, scope=SCOPE, roles=None, states=_OPEN),
]
