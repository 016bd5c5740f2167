"""Starts the embedded server again when it has ended by itself."""

import logging
import time
from collections.abc import Callable

from parley_core.embedded.server import WHAT_TO_DO, EmbeddedMongoDB
from parley_core.errors import StartupError
from parley_core.log_lines import LogLine

MOST_RESTARTS = 3
"""Within a minute. A server that ends more often does so for a reason that another start doesn't remove."""
_SECONDS = 60.0
_log = logging.getLogger("parley.embedded")


class Keeper:
    """Keeps a server running. Whoever owns it asks now and then, always in the thread that has started it.

    Args:
        server: started with `is_kept=True`.
        clock: returns seconds.
    """

    def __init__(self, server: EmbeddedMongoDB, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._restarts: list[float] = []

    def look(self) -> StartupError | None:
        """Start the server again if it has ended, without waiting for it; return why that is no longer tried."""
        reason = self._server.how_it_ended()
        if reason is None:
            return None
        now = self._clock()
        self._restarts = [restart for restart in self._restarts if now - restart < _SECONDS]
        if len(self._restarts) >= MOST_RESTARTS:
            return StartupError(f"the embedded MongoDB ended {MOST_RESTARTS + 1} times: {reason}; {WHAT_TO_DO}")
        self._restarts.append(now)
        text = "the embedded MongoDB ended and is started again: {reason}"
        _log.warning(LogLine("embedded_restarted", text, reason=reason))
        return self._start_again()

    def _start_again(self) -> StartupError | None:
        try:
            self._server.start_again()
        except StartupError as error:
            return error
        return None
