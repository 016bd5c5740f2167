"""The place of one of several workers, which is filled again after a death."""

import logging
import time
from collections.abc import Callable

from parley_app.worker import Worker
from parley_core.log_lines import LogLine

# Who has lived so long did not die of its start.
_STEADY_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 30
_log = logging.getLogger("parley.app")


class Place:
    """A worker, and after its death the next one: at once, but later and later where one after the other dies young.

    Args:
        start: returns a new worker.
        clock: returns seconds.
    """

    def __init__(self, start: Callable[[], Worker], clock: Callable[[], float] = time.monotonic) -> None:
        self._start = start
        self._clock = clock
        self._pause = 0
        self._due: float | None = None
        self._began = clock()
        self.worker = start()

    @property
    def is_ready(self) -> bool:
        """Whether the worker answers every request."""
        return self.worker.is_alive() and self.worker.ready.is_set()

    def look(self) -> Worker | None:
        """Return the worker if it has died since the last look; start the next one when it is time."""
        if self.worker.is_alive():
            return None
        if self._due is None:
            self._due = self._clock() + self._pause_after_death()
            return self.worker
        if self._clock() >= self._due:
            self._due, self._began = None, self._clock()
            self.worker = self._start()
        return None

    def _pause_after_death(self) -> int:
        pause = 0 if self._clock() - self._began > _STEADY_SECONDS else self._pause
        self._pause = min(max(1, 2 * pause), _LONGEST_PAUSE_SECONDS)
        text = "a worker ended ({ending}); another one starts in {seconds} s"
        _log.warning(LogLine("worker_ended", text, ending=_ending(self.worker.exitcode), seconds=pause))
        return pause


def _ending(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"code {code}"
