"""Entries that nobody comes back for: what a dead process has left lying, and histories from before the log."""

from collections.abc import Mapping
from itertools import accumulate

from parley_core.data.unrelayed import Unit
from parley_core.log.sources import Seen, Source

# More units than that no living workers leave lying at one moment: the rest is a backlog.
LIMIT = 500
# Entries that are taken at once.
_PIECE = 1000
Piece = Mapping[Unit, Seen]


class Abandoned:
    """Finds units whose entries have no living writer, and hands them out piece by piece.

    Args:
        sources: where entries wait, by the name of the collection.
    """

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._seen: Piece = {}
        self._taken_over: set[Unit] = set()
        self._left_in: set[str] = set()
        self._last: Piece = {}

    @property
    def is_any(self) -> bool:
        """Whether another piece may be left."""
        return bool(self._left_in)

    async def look(self) -> None:
        """Look at all sources; what lies where it lay at the last look has no living writer."""
        found: dict[Unit, Seen] = {}
        for name, source in self._sources.items():
            newest = await source.look(limit=LIMIT, newest=True)
            found |= newest
            self._left_in.update({name} if len(newest) == LIMIT else ())
        self._taken_over = {unit for unit, seen in found.items() if _rev(self._seen.get(unit)) == seen.rev}
        self._left_in |= {unit.collection for unit in self._taken_over}
        self._seen = found

    async def next_piece(self) -> Piece:
        """Return the units that have waited longest, as many as one transaction can take; none when all is done."""
        for name in sorted(self._left_in):
            found = await self._sources[name].look(limit=LIMIT, newest=False)
            if len(found) < LIMIT:
                found = {unit: seen for unit, seen in found.items() if unit in self._taken_over}
            piece = piece_of(found)
            if piece and piece != self._last:
                self._last = piece
                return piece
            # All is taken, or what is left can't be taken: the next look tries again.
            self._left_in.discard(name)
        return {}


def piece_of(found: Piece) -> Piece:
    """Return the first units, of which about as many entries wait as one transaction can take."""
    before = accumulate((seen.size for seen in found.values()), initial=0)
    return {unit: seen for (unit, seen), entries in zip(found.items(), before, strict=False) if entries < _PIECE}


def _rev(seen: Seen | None) -> int | None:
    return seen.rev if seen else None
