"""Who may do what with widgets."""

from parley_auth import PolicyRule, Role

CREATE, READ = "widgets:create", "widgets:read"

POLICIES = [
    PolicyRule(action=CREATE, roles=frozenset({Role.ADMIN})),
    PolicyRule(action=READ, roles=frozenset(Role)),
]
