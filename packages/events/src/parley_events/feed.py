"""The rules of the log: what a reader finds from a place on, and which types it may ask for."""

from collections.abc import Mapping, Sequence

from parley_core import EventLog, EventType, LogFilter
from parley_core.errors import FieldError
from parley_events.errors import UnknownEventType
from parley_events.models import Part

_EVERYTHING = LogFilter()


class EventFeed:
    """Reads the log in parts."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def after(self, position: int, *, limit: int, where: LogFilter = _EVERYTHING) -> Part:
        """Return what follows a place now; nothing where the log ends before it."""
        # Before the query, so that the place to continue from has nothing before it that the query can't see.
        head = await self._log.head()
        return await self.between(position, head, limit=limit, where=where)

    async def between(self, position: int, head: int, *, limit: int, where: LogFilter = _EVERYTHING) -> Part:
        """Return what follows a place up to `head`, a place at which the log has been already."""
        if position >= head:
            return Part((), position)
        found = await self._log.after(position, limit=limit + 1, where=where)
        # Beyond the head a filter may have missed entries: it merges the entries of several types, each read at its own
        # time.
        entries = [entry for entry in found if entry.position <= head]
        if len(entries) > limit:
            return Part(entries[:limit], entries[limit - 1].position, has_more=True)
        return Part(entries, head)


class EventTypes:
    """The types of events that the plugins of this application declare.

    Args:
        declared: every type by its name.
    """

    def __init__(self, declared: Mapping[str, EventType]) -> None:
        self._declared = declared

    def page(self, *, limit: int, offset: int) -> tuple[Sequence[EventType], int]:
        """Return a page of the types by name, and how many there are."""
        names = sorted(self._declared)
        return [self._declared[name] for name in names[offset : offset + limit]], len(names)

    def check(self, names: Sequence[str], *, pointer: str) -> tuple[str, ...]:
        """Return the names; raise `UnknownEventType` (400) where one isn't that of a declared type.

        Args:
            names: what the caller sent.
            pointer: where they stand in the request, up to the number of the name: `?type.` or `#/types/`.
        """
        unknown = [number for number, name in enumerate(names) if name not in self._declared]
        if unknown:
            message = "There is no event type of that name"
            raise UnknownEventType(
                errors=[FieldError(f"{pointer}{number}", UnknownEventType.code, message) for number in unknown]
            )
        return tuple(names)
