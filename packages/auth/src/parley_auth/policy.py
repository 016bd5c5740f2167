"""Auth's own rules in the policy table, and its public routes."""

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
    PublicRoute("POST", "/v1/auth/register", "a new user has no account yet"),
    PublicRoute("POST", "/v1/auth/login", "the password identifies the caller"),
    PublicRoute("POST", "/v1/auth/token", "the password identifies the caller"),
    PublicRoute("POST", "/v1/auth/refresh", "the refresh token identifies the caller"),
    PublicRoute("GET", "/.well-known/jwks.json", "public keys are public"),
]
