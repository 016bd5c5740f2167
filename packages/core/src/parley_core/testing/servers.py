"""A MongoDB of one test's own, which may be killed and frozen; alone here, since other tests share one."""

import asyncio
import os
import signal
from pathlib import Path

from parley_core.embedded import EmbeddedMongoDB


class OwnMongoDB:
    """A MongoDB of the test's own; the test stops `server` at its end.

    Args:
        folder: its data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = EmbeddedMongoDB.start(folder)

    async def restart(self) -> None:
        """Kill it and start it again on the same data."""
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.stop()
        self.server = await asyncio.to_thread(EmbeddedMongoDB.start, self._folder)

    def freeze(self, number: int) -> None:
        """Stop (`SIGSTOP`) or continue (`SIGCONT`) it."""
        os.kill(self.server.pid, number)
