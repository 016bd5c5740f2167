"""The events of accounts."""

from parley_core import EventType

USER_REGISTERED = EventType("user.registered", "A user registered an account.")
USER_CREATED = EventType("user.created", "An administrator or the system created an account.")
USER_UPDATED = EventType("user.updated", "An account's details changed.")
USER_ROLE_CHANGED = EventType("user.role_changed", "An account's role changed.")
USER_DEACTIVATED = EventType("user.deactivated", "An account was deactivated.")
USER_REACTIVATED = EventType("user.reactivated", "An account was reactivated.")
USER_PASSWORD_CHANGED = EventType("user.password_changed", "An account's password changed; its other sessions ended.")

EVENTS = [
    USER_REGISTERED,
    USER_CREATED,
    USER_UPDATED,
    USER_ROLE_CHANGED,
    USER_DEACTIVATED,
    USER_REACTIVATED,
    USER_PASSWORD_CHANGED,
]
