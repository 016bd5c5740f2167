"""Migrations: what a plugin declares to bring its stored data from one shape to the next."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from parley_core.data.handle import Database

Batch = Callable[[Database, Any], Awaitable[Any]]
Phase = Literal["expand", "backfill", "contract"]


@dataclass(frozen=True)
class Migration:
    """One step of a plugin's stored data from one shape to the next, over two minor versions.

    Args:
        number: 1 for a plugin's first, 2 for its second, without a gap. A released one never changes.
        name: what it does, in a few words, for the log and for `parley migrate status`.
        phase: `expand` adds what this release needs: it is done before the indexes are built and before the first
            request. `backfill` brings older documents into the new shape, and `contract` removes what only older
            releases need; both are done beside the requests.
        batch: does one part. It is called with the application's database and a cursor, None at first, and returns the
            next cursor, a value that can be stored, or None at the end. It may be repeated, be done by two processes at
            once and run beside live writers: the filter of each write has the condition that the document still needs
            it.
        floor: for a contract, the number that a release must know to work on the data from then on.

    Raises:
        ValueError: the phase is unknown, or the floor is missing, not needed or above the number.
    """

    number: int
    name: str
    phase: Phase
    batch: Batch
    floor: int = 0

    def __post_init__(self) -> None:
        if self.phase not in get_args(Phase):
            raise ValueError(f"migration {self.number} ({self.name}): its phase must be one of {get_args(Phase)}")
        if self.phase == "contract" and not 1 <= self.floor <= self.number:
            raise ValueError(f"migration {self.number} ({self.name}): a contract needs a floor of 1 to its own number")
        if self.phase != "contract" and self.floor:
            raise ValueError(f"migration {self.number} ({self.name}): only a contract raises the floor")


Migrations = Mapping[str, Sequence[Migration]]
"""Those of each plugin, by its name, in their order; plugins without any are in it too."""


def needed_number(migrations: Sequence[Migration]) -> int:
    """Return the number that a plugin's data must have before its first request: that of its last expansion."""
    return max((migration.number for migration in migrations if migration.phase == "expand"), default=0)
