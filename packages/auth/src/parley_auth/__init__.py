"""Users, roles and guards: who calls, and may he do this to that?"""

from parley_auth.guard import Access, Guard, ScopedAccess, hold_together
from parley_auth.models import Held, Principal, Resource, Role, User
from parley_auth.policy import Membership, PolicyRule, PolicyTable
from parley_auth.repository import UserDirectory
from parley_auth.scopes import ParticipantScope

__all__ = [
    "Access",
    "Guard",
    "Held",
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
    "hold_together",
]
