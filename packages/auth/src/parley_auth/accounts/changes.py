"""What changes of an account mean: their event, their lines in the security log, and the loss of an administrator."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from parley_auth.events import (
    USER_DEACTIVATED,
    USER_EMAIL_CHANGED,
    USER_REACTIVATED,
    USER_ROLE_CHANGED,
    USER_UPDATED,
)
from parley_auth.models import ADMIN, User
from parley_auth.security_log import Kind
from parley_core import PRIVATE, Actor, Event, EventType

_PRIVATE = {"name", "email"}


def is_admin(user: User, changes: Mapping[str, object] | None = None) -> bool:
    """Return whether the account is, or is after the changes, an administrator who can log in."""
    after = {"role": user.role, "active": user.active} | dict(changes or {})
    return after["role"] == ADMIN and after["active"] is True and not user.invited


def event_of(before: User, changes: Mapping[str, object], actor: Actor, at: datetime) -> Event:
    """Return the event of some changes of an account; a name and an e-mail are left out of it."""
    shown = {
        field: (PRIVATE, PRIVATE) if field in _PRIVATE else (getattr(before, field), value)
        for field, value in changes.items()
    }
    if "email" in changes and before.verified:
        shown["verified"] = (True, False)
    return Event(type=_kind_of(changes), at=at, actor=actor, changes=shown, audience=(before.id,))


def _kind_of(changes: Mapping[str, object]) -> EventType:
    """Return the most important of the changes' types; the history entry names the other changes too."""
    if "active" in changes:
        return USER_REACTIVATED if changes["active"] else USER_DEACTIVATED
    if "role" in changes:
        return USER_ROLE_CHANGED
    return USER_EMAIL_CHANGED if "email" in changes else USER_UPDATED


def security_events(before: User, after: User) -> Iterator[Kind]:
    """Yield the kinds of the lines that the security log gets."""
    if before.email != after.email:
        yield "email_changed"
    if before.role != after.role:
        yield "role_changed"
    if before.active is not after.active:
        yield "account_reactivated" if after.active else "account_deactivated"
