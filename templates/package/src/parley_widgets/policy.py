"""Who may do what with widgets."""

from parley_auth import ADMIN, PolicyRule

CREATE, READ = "widgets:create", "widgets:read"

POLICIES = [
    PolicyRule(action=CREATE, roles=frozenset({ADMIN})),
    PolicyRule(action=READ, roles=None),
]
