"""What can happen to an account."""

from parley_core import EventType

USER_REGISTERED = EventType("user.registered", "Somebody made an account for himself.")
USER_CREATED = EventType("user.created", "An administrator or the system made an account.")
USER_UPDATED = EventType("user.updated", "An account's details changed.")
USER_ROLE_CHANGED = EventType("user.role_changed", "An account got another role.")
USER_DEACTIVATED = EventType("user.deactivated", "An account was shut.")
USER_REACTIVATED = EventType("user.reactivated", "A shut account was opened again.")
USER_PASSWORD_CHANGED = EventType("user.password_changed", "An account's password changed; its tokens ended.")

EVENTS = [
    USER_REGISTERED,
    USER_CREATED,
    USER_UPDATED,
    USER_ROLE_CHANGED,
    USER_DEACTIVATED,
    USER_REACTIVATED,
    USER_PASSWORD_CHANGED,
]
