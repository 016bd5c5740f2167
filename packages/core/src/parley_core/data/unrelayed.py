"""What this process has written and the relay hasn't brought into the log yet."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from parley_core.waiting import is_set

_UNITS = 500
# Rounds of the relay.
_PATIENCE = 5


@dataclass(frozen=True)
class Unit:
    """Where entries wait for the relay, in the order of `rev`: one recorded document, or one subject of the outbox.

    Args:
        collection: a recorded collection, or the outbox.
        key: the document's id, or `<kind>:<subject id>` in the outbox.
    """

    collection: str
    key: str


@dataclass
class Noted:
    """What is known of a unit.

    Args:
        revs: entries whose cache generations have been advanced by whoever wrote them.
        takes_all: whether to take all that waits there, since nobody else may come back for it.
        blocked: how often the relay couldn't take these entries, because of one before them with a living writer.
    """

    revs: set[int] = field(default_factory=set)
    takes_all: bool = False
    blocked: int = 0


class Unrelayed:
    """The units in which this process has written; the relay asks it what to look at."""

    def __init__(self) -> None:
        self._noted: dict[Unit, Noted] = {}
        self._is_any = asyncio.Event()

    @property
    def size(self) -> int:
        """The number of entries that are noted, and of units of which no entry is known; any thread may ask."""
        # The list is made in one step, which no other thread can interrupt.
        return sum(len(noted.revs) or 1 for noted in list(self._noted.values()))

    def note(self, unit: Unit, revs: Iterable[int]) -> None:
        """Remember entries that are stored, and whose generations have been advanced."""
        self._noted.setdefault(unit, Noted()).revs.update(revs)
        self._is_any.set()

    def note_unknown(self, unit: Unit) -> None:
        """Remember a unit in which a write may have landed whose generations nobody has advanced."""
        self._noted.setdefault(unit, Noted()).takes_all = True
        self._is_any.set()

    def is_published(self, unit: Unit, rev: int) -> bool:
        """Return whether it is known that an entry's cache generations have been advanced by whoever wrote it."""
        return unit in self._noted and rev in self._noted[unit].revs

    def noted(self) -> Mapping[Unit, Noted]:
        """Return what was noted first, as a copy that later notes don't change; 500 units at most."""
        first = islice(self._noted.items(), _UNITS)
        return {unit: replace(noted, revs=set(noted.revs)) for unit, noted in first}

    def settle(self, unit: Unit, asked: Noted, left: int | None) -> None:
        """Forget what is in the log now.

        Args:
            unit: where it waited.
            asked: what was noted when the relay began.
            left: the first revision that still waits; None where nothing that was asked for waits any more.
        """
        noted = self._noted.setdefault(unit, Noted())
        still = {rev for rev in asked.revs if left is not None and rev >= left}
        noted.revs -= asked.revs - still
        noted.blocked = noted.blocked + 1 if still else 0
        # Nobody waits long for a writer who is slow. What isn't taken of a long history, the relay finds by itself.
        is_new = noted.takes_all and not asked.takes_all
        noted.takes_all = is_new or noted.blocked >= _PATIENCE
        if not noted.revs and not noted.takes_all:
            del self._noted[unit]
        if not self._noted:
            self._is_any.clear()

    def wake(self) -> None:
        """End the present `wait`, since the process stops."""
        self._is_any.set()

    async def wait(self, seconds: float) -> None:
        """Return when anything is noted, or when the time is over."""
        await is_set(self._is_any, seconds)
