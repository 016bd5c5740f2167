"""What wakes those who wait in this process; alone here, since the rooms that use it don't know each other."""

import asyncio


class Bell:
    """Wakes whoever waits for it."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """End the present wait, or the next one."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return when it is rung, at once where it was since the last wait, or when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()
