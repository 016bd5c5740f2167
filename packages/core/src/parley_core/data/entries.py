"""Entries: an event as it waits for the relay, in the document that it happened to or in the outbox."""

import hashlib
from dataclasses import dataclass
from typing import Any

from parley_core.data.documents import Document
from parley_core.data.events import Event
from parley_core.data.handle import Database

_MAX_TEXT = 200


@dataclass(frozen=True)
class Expression:
    """A MongoDB expression as a new value; every other value is taken literally, whatever it looks like."""

    of: Any


class Private:
    """A value whose change an event records without the value itself, such as a name."""


PRIVATE = Private()


def check_declared(database: Database, event: Event) -> None:
    """Raise `TypeError` unless a plugin of the database's application declares the event's type."""
    if database.event_types.get(event.type.name) != event.type:
        raise TypeError(f"event type '{event.type.name}' isn't declared: return it from the hook parley_events")


def entry_of(event: Event) -> Document:
    """Return an event's entry, without its revision and audience."""
    return {
        "type": event.type.name,
        "at": event.at,
        "actor": event.actor.id,
        "actor_role": event.actor.role,
        "request_id": event.actor.request_id,
        "reason": event.reason,
        "changes": {name: {"from": redacted(old), "to": redacted(new)} for name, (old, new) in event.changes.items()},
    }


def full_entry_of(event: Event, rev: int) -> Document:
    """Return the whole entry of an event whose audience is ids; raise `TypeError` where it is an `Expression`."""
    if isinstance(event.audience, Expression):
        raise TypeError("the audience of a first event, and of an emitted one, must be ids")
    return {"rev": rev, **entry_of(event), "audience": event.audience}


def redacted(value: object) -> object:
    """Return a value as history keeps it: long text as its length and SHA-256, a private value as `{}`."""
    if isinstance(value, Private):
        return {}
    return digest_of(value) if isinstance(value, str) and len(value) > _MAX_TEXT else value


def digest_of(text: str) -> dict[str, object]:
    """Return a text's length and SHA-256, in place of a text that no event may contain, however short it is."""
    return {"length": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def kind_of(type_name: str) -> str:
    """Return the kind of the recorded documents whose events have this type: the word before the dot."""
    return type_name.partition(".")[0]
