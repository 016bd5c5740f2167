"""The rule of the log; a module of its own, like every package's."""

from parley_auth import PolicyRule, Role

READ = "events:read"

POLICIES = [PolicyRule(action=READ, roles=frozenset({Role.ADMIN}))]
