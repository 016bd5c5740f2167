"""What wakes those who wait in this process; alone here, since the rooms that use it don't know each other."""

import asyncio

from parley_core.waiting import is_set


class Bell:
    """Wakes whoever waits for it."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """End the present wait, or the next one."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return when it is rung, at once where it was since the last wait, or when the time is over."""
        if await is_set(self._rung, seconds):
            self._rung.clear()
