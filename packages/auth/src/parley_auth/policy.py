"""Auth's own part of the policy table, and its routes that stand open."""

from parley_auth.authorization.policy_table import PolicyRule
from parley_auth.models import Role
from parley_core import PublicRoute

EVERYONE = frozenset(Role)
ADMINS = frozenset({Role.ADMIN})

POLICIES = [
    PolicyRule(action="account:read", roles=EVERYONE),
    PolicyRule(action="account:update", roles=EVERYONE),
    PolicyRule(action="users:create", roles=ADMINS),
    PolicyRule(action="users:list", roles=ADMINS),
    PolicyRule(action="users:read", roles=ADMINS),
    PolicyRule(action="users:update", roles=ADMINS),
]

PUBLIC_ROUTES = [
    PublicRoute("POST", "/v1/auth/register", "nobody has an account before he has made one"),
    PublicRoute("POST", "/v1/auth/login", "the password is the proof"),
    PublicRoute("POST", "/v1/auth/token", "the password is the proof"),
    PublicRoute("POST", "/v1/auth/refresh", "the refresh token is the proof"),
    PublicRoute("GET", "/.well-known/jwks.json", "public keys are public"),
]
