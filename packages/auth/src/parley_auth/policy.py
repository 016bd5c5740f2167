"""Auth's own rules in the policy table, and its public routes."""

from parley_auth.authorization.policy_table import PolicyRule
from parley_auth.models import ADMIN, Role
from parley_core import PublicRoute

ROLES = [Role(ADMIN, "Manages accounts and everything else that isn't for participants alone.")]
ADMINS = frozenset({ADMIN})

# A key would tell a thief what is badly set with `system:read`. It could create further keys with `keys:create`, give
# roles with `users:create` and `users:update`, take accounts over with `users:link`, and end sessions with
# `users:logout` and its creator's with `account:update`.
POLICIES = [
    PolicyRule(action="account:read", roles=None, for_keys=False),
    PolicyRule(action="account:update", roles=None, for_keys=False),
    PolicyRule(action="keys:create", roles=ADMINS, for_keys=False),
    PolicyRule(action="keys:list", roles=ADMINS, for_keys=False),
    PolicyRule(action="keys:revoke", roles=ADMINS, for_keys=False),
    PolicyRule(action="system:read", roles=ADMINS, for_keys=False),
    PolicyRule(action="users:create", roles=ADMINS, for_keys=False),
    PolicyRule(action="users:list", roles=ADMINS),
    PolicyRule(action="users:read", roles=ADMINS),
    PolicyRule(action="users:update", roles=ADMINS, for_keys=False),
    PolicyRule(action="users:link", roles=ADMINS, for_keys=False),
    PolicyRule(action="users:logout", roles=ADMINS, for_keys=False),
]

PUBLIC_ROUTES = [
    PublicRoute("POST", "/v1/auth/register", "a new user has no account yet"),
    PublicRoute("POST", "/v1/auth/login", "the password identifies the caller"),
    PublicRoute("POST", "/v1/auth/token", "the password or the refresh token identifies the caller"),
    PublicRoute("POST", "/v1/auth/refresh", "the refresh token identifies the caller"),
    PublicRoute("POST", "/v1/auth/accept", "the link identifies the account"),
    PublicRoute("GET", "/.well-known/jwks.json", "public keys are public"),
]
