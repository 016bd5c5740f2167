"""The catalogue of events: every declared type, and the invalidation rules of all plugins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from parley_core.data.events import EventType, Invalidation
from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.ownership import single_owner


@dataclass(frozen=True)
class EventCatalogue:
    """What can happen in one application.

    Args:
        types: every declared type by its name.
        invalidations: the rules by the name of the type that they are for.
    """

    types: Mapping[str, EventType]
    invalidations: Mapping[str, list[Invalidation]]

    def known_names(self) -> Mapping[str, Iterable[str]]:
        """Return the names of the types, for OpenAPI."""
        return {"event type": self.types}


def catalogue_of(
    types: Iterable[Declared[EventType]], invalidations: Iterable[Declared[Invalidation]]
) -> EventCatalogue:
    """Return the catalogue of what all plugins declare.

    Raises:
        StartupError: two plugins declare one type, or a rule that isn't optional is for an undeclared one.
    """
    owners = single_owner(types, lambda event: [event.name], what="event")
    rules: dict[str, list[Invalidation]] = {}
    for declared in invalidations:
        rule = declared.value
        if rule.on in owners:
            rules.setdefault(rule.on, []).append(rule)
        elif not rule.optional:
            raise StartupError(
                f"plugin '{declared.plugin}': invalidation for event '{rule.on}', which no plugin declares: "
                "install the package that does, or mark the rule optional=True"
            )
    return EventCatalogue({name: declared.value for name, declared in owners.items()}, rules)
