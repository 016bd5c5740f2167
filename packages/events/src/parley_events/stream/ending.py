"""The end of the process, which no open stream may delay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Ending:
    """Interrupts those who wait when the server is asked to stop."""

    def __init__(self) -> None:
        self.has_come = False
        self._waits: set[asyncio.Timeout] = set()

    def come(self) -> None:
        """Interrupt every wait, and those to come."""
        self.has_come = True
        for wait in self._waits:
            wait.reschedule(0)

    @asynccontextmanager
    async def interrupting(self) -> AsyncIterator[None]:
        """Leave the block early when the end comes."""
        wait = asyncio.timeout(0 if self.has_come else None)
        try:
            async with wait:
                self._waits.add(wait)
                yield
        except TimeoutError:
            if not wait.expired():
                raise
        finally:
            self._waits.discard(wait)
