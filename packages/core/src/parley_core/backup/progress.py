"""What is said while a backup is made or restored."""

import time
from collections.abc import Callable

_SECONDS = 5.0
_MEGABYTE = 1_000_000


class Progress:
    """Says a line for each collection, and one every few seconds where it takes long.

    Args:
        say: called with the line.
        clock: returns seconds.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._last = clock()

    def note(self, collection: str, documents: int, size: int) -> None:
        """Say how far a collection has come, unless a line was said a moment ago."""
        if self._clock() - self._last >= _SECONDS:
            self._report(f"{collection}: {_amount(documents, size)} so far")

    def finish(self, collection: str, documents: int, size: int) -> None:
        """Say that a collection is complete, unless it is empty."""
        if documents:
            self._report(f"{collection}: {_amount(documents, size)}")

    def _report(self, line: str) -> None:
        self._last = self._clock()
        self._say(line)


def _amount(documents: int, size: int) -> str:
    return f"{documents:,} {'document' if documents == 1 else 'documents'}, {size / _MEGABYTE:,.1f} MB"
