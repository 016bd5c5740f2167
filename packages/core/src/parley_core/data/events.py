"""Events: what can happen, what did happen, and which cached answers an event invalidates."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class EventType:
    """Something that can happen; declared through the hook `parley_events`.

    Args:
        name: `<kind>.<what happened>`, like `interview.cancelled`.
        description: one sentence.
    """

    name: str
    description: str


@dataclass(frozen=True)
class Actor:
    """Who acts in a request: the caller's id (None for the system itself), their stored role and the request."""

    id: str | None
    role: str
    request_id: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happens to one document; `record` and `insert_recorded` write it together with the change.

    Args:
        type: one of the declared types.
        at: the instant.
        actor: who did it.
        changes: field -> (value before, value after).
        reason: the actor's own words.
        audience: ids of the users concerned, before and after, or a MongoDB expression for them.
    """

    type: EventType
    at: datetime
    actor: Actor
    changes: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    reason: str | None = None
    audience: object = ()


@dataclass(frozen=True)
class Invalidation:
    """A rule: an event of type `on` invalidates the cache generations that `keys(event)` names.

    Args:
        on: the name of the event type.
        keys: a function from the recorded event to the keys.
        optional: whether the rule is left out, instead of stopping the start, where no plugin declares that type.
    """

    on: str
    keys: Callable[[Mapping[str, Any]], Iterable[str]]
    optional: bool = False
