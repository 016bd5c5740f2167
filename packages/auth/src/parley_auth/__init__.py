"""Users, roles and guards: who calls, and may he do this to that?"""

from parley_auth.accounts.repository import UserDirectory
from parley_auth.authorization.guard import Access, Guard, ScopedAccess, lock_together
from parley_auth.authorization.policy_table import Membership, PolicyRule, PolicyTable
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.models import Locked, Principal, Resource, Role, User

__all__ = [
    "Access",
    "Guard",
    "Locked",
    "Membership",
    "ParticipantScope",
    "PolicyRule",
    "PolicyTable",
    "Principal",
    "Resource",
    "Role",
    "ScopedAccess",
    "User",
    "UserDirectory",
    "lock_together",
]
