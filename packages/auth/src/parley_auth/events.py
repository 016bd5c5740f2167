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
USER_LINK_CREATED = EventType(
    "user.link_created",
    "A link for the owner of an account was created, in place of an older one; `changes` names its purpose.",
)
USER_INVITATION_ACCEPTED = EventType(
    "user.invitation_accepted",
    "The holder of an invitation set the first password: the account is active and its e-mail verified.",
)
USER_PASSWORD_RESET = EventType(
    "user.password_reset",
    "A password was set with a link for a reset, or by the operator of the deployment; every session ended.",
)
USER_UPDATED = EventType("user.updated", "An account's name changed; the name is not recorded.")
USER_EMAIL_CHANGED = EventType(
    "user.email_changed",
    "An account's e-mail changed; neither address is recorded, and the new one is not verified.",
)
USER_ROLE_CHANGED = EventType(
    "user.role_changed",
    "An account's role changed from one to another; its name or e-mail may have changed with it. Who is no "
    "administrator any more has no API keys any more.",
)
USER_DEACTIVATED = EventType(
    "user.deactivated",
    "An account was deactivated, its sessions ended and its API keys were revoked; `changes` names a role that "
    "changed with it.",
)
USER_REACTIVATED = EventType(
    "user.reactivated", "An account was reactivated; `changes` names a role that changed with it."
)
USER_PASSWORD_CHANGED = EventType(
    "user.password_changed", "The owner of an account changed its password; its other sessions ended."
)
USER_SESSIONS_ENDED = EventType("user.sessions_ended", "An administrator ended every session of an account.")
USER_KEY_CREATED = EventType(
    "user.key_created", "An administrator created an API key; `changes` names its id and actions."
)
USER_KEY_REVOKED = EventType(
    "user.key_revoked", "An administrator revoked an API key of the account; `changes` names its id and actions."
)

EVENTS = [
    USER_REGISTERED,
    USER_CREATED,
    USER_INVITED,
    USER_LINK_CREATED,
    USER_INVITATION_ACCEPTED,
    USER_PASSWORD_RESET,
    USER_UPDATED,
    USER_EMAIL_CHANGED,
    USER_ROLE_CHANGED,
    USER_DEACTIVATED,
    USER_REACTIVATED,
    USER_PASSWORD_CHANGED,
    USER_SESSIONS_ENDED,
    USER_KEY_CREATED,
    USER_KEY_REVOKED,
]
