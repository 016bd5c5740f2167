"""Accounts, roles and guards: who calls, and what they may do."""

from typing import TYPE_CHECKING

from parley_core.lazily import lazily

if TYPE_CHECKING:
    from parley_auth.accounts.invitations import Invitations
    from parley_auth.accounts.repository import UserDirectory
    from parley_auth.authorization.access import Access, ScopedAccess, lock_together
    from parley_auth.authorization.guard import Guard
    from parley_auth.authorization.identity import Identity
    from parley_auth.authorization.policy_table import PolicyRule, PolicyTable
    from parley_auth.authorization.scopes import TOUCH, ParticipantScope
    from parley_auth.models import ADMIN, OUTSIDER, AccountState, Locked, Principal, Resource, Role, User

__all__ = [
    "ADMIN",
    "OUTSIDER",
    "TOUCH",
    "Access",
    "AccountState",
    "Guard",
    "Identity",
    "Invitations",
    "Locked",
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

__getattr__ = lazily(
    __name__,
    {
        "accounts.invitations": ("Invitations",),
        "accounts.repository": ("UserDirectory",),
        "authorization.access": (
            "Access",
            "ScopedAccess",
            "lock_together",
        ),
        "authorization.guard": ("Guard",),
        "authorization.identity": ("Identity",),
        "authorization.policy_table": (
            "PolicyRule",
            "PolicyTable",
        ),
        "authorization.scopes": (
            "TOUCH",
            "ParticipantScope",
        ),
        "models": (
            "ADMIN",
            "OUTSIDER",
            "AccountState",
            "Locked",
            "Principal",
            "Resource",
            "Role",
            "User",
        ),
    },
)
