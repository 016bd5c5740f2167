"""Events: what can happen, what did happen, and which cached answers that outdates."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, RootModel

from parley_core.errors import StartupError
from parley_core.kernel.plugins import Declared


class Changes(RootModel[dict[str, dict[str, Any]]]):
    """The data of most events: field -> `{from, to}`, private and long values told without their text."""


@dataclass(frozen=True)
class EventType:
    """Something that can happen.

    Args:
        name: `<kind>.<what happened>`, like `interview.cancelled`.
        description: one sentence.
        data: the model of the event's `changes`.
    """

    name: str
    description: str
    data: type[BaseModel] = Changes


@dataclass(frozen=True)
class Actor:
    """Who acts in a request: the caller's id (None for the system itself), his stored role and the request."""

    id: str | None
    role: str
    request_id: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happens to one document; `parley_core.data.recorded` writes it together with the change.

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
    """After an event of type `on`, the cache generations that `keys(event)` names are outdated."""

    on: str
    keys: Callable[[Mapping[str, Any]], Iterable[str]]


class EventCatalogue:
    """All types of events and the invalidations they cause.

    Raises:
        StartupError: two plugins declare one type, or an invalidation is for an undeclared one.
    """

    def __init__(self, types: Iterable[Declared], invalidations: Iterable[Declared]) -> None:
        self.types: dict[str, EventType] = {}
        self.invalidations: dict[str, list[Invalidation]] = {}
        owners: dict[str, str] = {}
        for declared in types:
            owner = owners.setdefault(declared.value.name, declared.plugin)
            if declared.value.name in self.types:
                raise StartupError(f"event '{declared.value.name}' is declared by '{owner}' and '{declared.plugin}'")
            self.types[declared.value.name] = declared.value
        for declared in invalidations:
            if declared.value.on not in self.types:
                raise StartupError(
                    f"plugin '{declared.plugin}': invalidation for event '{declared.value.on}', which nobody declares"
                )
            self.invalidations.setdefault(declared.value.on, []).append(declared.value)
