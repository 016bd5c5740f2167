"""The events of accounts."""

from parley_core import EventType

USER_REGISTERED = EventType("user.registered", "A user registered an account of their own.")
USER_CREATED = EventType(
    "user.created", "An administrator or the system created an account, with the role in `changes`."
)
USER_INVITED = EventType(
    "user.invited",
    "An administrator invited somebody: an account without a password, with the role in `changes`.",
)
USER_UPDATED = EventType("user.updated", "An account's name changed; the name is not recorded.")
USER_ROLE_CHANGED = EventType(
    "user.role_changed", "An account's role changed from one to another; its name may have changed with it."
)
USER_DEACTIVATED = EventType(
    "user.deactivated",
    "An account was deactivated and its sessions ended; `changes` names a role that changed with it.",
)
USER_REACTIVATED = EventType(
    "user.reactivated", "An account was reactivated; `changes` names a role that changed with it."
)
USER_PASSWORD_CHANGED = EventType(
    "user.password_changed", "The owner of an account changed its password; its other sessions ended."
)

EVENTS = [
    USER_REGISTERED,
    USER_CREATED,
    USER_INVITED,
    USER_UPDATED,
    USER_ROLE_CHANGED,
    USER_DEACTIVATED,
    USER_REACTIVATED,
    USER_PASSWORD_CHANGED,
]
