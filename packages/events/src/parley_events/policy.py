"""The rule of the log; a module of its own, like every package's."""

from parley_auth import ADMIN, PolicyRule

READ = "events:read"

POLICIES = [PolicyRule(action=READ, roles=frozenset({ADMIN}))]
