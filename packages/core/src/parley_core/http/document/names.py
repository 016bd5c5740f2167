"""Names that only the composed application knows, such as roles: they become the enum of a schema."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

_KIND = "x-parley-names"


@runtime_checkable
class KnowsNames(Protocol):
    """A service that knows all names of some kinds."""

    def known_names(self) -> Mapping[str, Iterable[str]]:
        """Return the names by their kind."""


def named(kind: str) -> dict[str, Any]:
    """Return what marks a field as one of these names: `Field(json_schema_extra=named("role"))`."""
    return {_KIND: kind}


def names_of(sources: Iterable[KnowsNames]) -> dict[str, Iterable[str]]:
    """Return all names by their kind."""
    return {kind: names for source in sources for kind, names in source.known_names().items()}


def fill_in_names(part: object, names: Mapping[str, Iterable[str]]) -> None:
    """Put the names into all schemas of a document that are marked; of an unknown kind any text is a name."""
    if isinstance(part, list):
        for item in part:
            fill_in_names(item, names)
    elif isinstance(part, dict):
        if (kind := part.pop(_KIND, None)) in names:
            part["enum"] = sorted(names[kind])
        for item in part.values():
            fill_in_names(item, names)
