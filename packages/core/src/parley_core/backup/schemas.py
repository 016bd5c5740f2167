"""The schema numbers of what is backed up, and whether this release can read that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parley_core.data.documents import Document
from parley_core.data.schema_numbers import state_of
from parley_core.data.stored_format import FORMAT, FORMAT_ID, NUMBER


@dataclass(frozen=True)
class SchemaNumbers:
    """The numbers of each plugin's data, and under `stored_format` that of the format which release 0.1.0 checks.

    Args:
        at: the number that the data has.
        needed: the number that a release must know to read it.
    """

    at: Mapping[str, int]
    needed: Mapping[str, int]


def numbers_of(formats: Sequence[Document], schemas: Sequence[Document]) -> SchemaNumbers:
    """Return the numbers of stored data.

    Args:
        formats: the documents of the collection of formats.
        schemas: those of the collection of schema numbers.

    Raises:
        StartupError: what is stored about them can't be understood.
    """
    stored = {FORMAT: int(one["number"]) for one in formats if one["_id"] == FORMAT_ID}  # noqa: B035 - there is one
    states = {str(one["_id"]): state_of(one) for one in schemas}
    return SchemaNumbers(
        at={**stored, **{plugin: state.at for plugin, state in states.items()}},
        needed={**stored, **{plugin: state.floor for plugin, state in states.items()}},
    )


def newer_than_known(needed: Mapping[str, int], known: Mapping[str, int]) -> list[str]:
    """Return what this process can't read, each with both numbers; of absent plugins it reads nothing.

    Args:
        needed: what a release must know.
        known: the number that the process knows of each of its plugins.
    """
    known = {**known, FORMAT: NUMBER}
    return [
        f"{name} {number} (this release reads {known[name]})"
        for name, number in sorted(needed.items())
        if name in known and number > known[name]
    ]
