"""What this process has written and the relay hasn't brought into the log yet."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


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
        takes_all: whether nobody else may come back for the unit's entries, since a write had no answer.
    """

    revs: set[int] = field(default_factory=set)
    takes_all: bool = False


class Unrelayed:
    """The units in which this process has written; the relay asks it what to look at."""

    def __init__(self) -> None:
        self._noted: dict[Unit, Noted] = {}
        self._is_any = asyncio.Event()

    def note(self, unit: Unit, revs: Iterable[int]) -> None:
        """Remember entries that are stored, and whose generations have been advanced."""
        self._noted.setdefault(unit, Noted()).revs.update(revs)
        self._is_any.set()

    def note_unknown(self, unit: Unit) -> None:
        """Remember a unit in which a write may have landed whose generations nobody has advanced."""
        self._noted.setdefault(unit, Noted()).takes_all = True
        self._is_any.set()

    def noted(self) -> Mapping[Unit, Noted]:
        """Return what is noted now, as a copy that later notes don't change."""
        return {unit: Noted(set(noted.revs), noted.takes_all) for unit, noted in self._noted.items()}

    def forget(self, unit: Unit, done: Noted) -> None:
        """Forget what has been brought into the log."""
        if (noted := self._noted.get(unit)) is None:
            return
        noted.revs -= done.revs
        noted.takes_all = noted.takes_all and not done.takes_all
        if not noted.revs and not noted.takes_all:
            del self._noted[unit]
        if not self._noted:
            self._is_any.clear()

    async def wait(self, seconds: float) -> None:
        """Return when anything is noted, or when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_any.wait()
        except TimeoutError:
            return
