"""Log lines about refused requests: one a minute with how many there were, whatever comes in."""

import logging
from datetime import datetime, timedelta

from parley_core.clock import Clock

_QUIET = timedelta(minutes=1)


class RefusalLog:
    """Counts the refusals of one kind and logs the first of each minute.

    Args:
        log: where the lines go.
        message: what was refused; `%d` stands for how many were since the last line.
        clock: returns the time.
    """

    def __init__(self, log: logging.Logger, message: str, *, clock: Clock) -> None:
        self._log = log
        self._message = message
        self._clock = clock
        self._count = 0
        self._logged_at: datetime | None = None

    def add(self) -> None:
        """Count a refusal."""
        self._count += 1
        now = self._clock()
        # A clock that was put back doesn't silence it.
        if self._logged_at is None or not self._logged_at <= now < self._logged_at + _QUIET:
            self._log.warning(self._message, self._count)
            self._count, self._logged_at = 0, now
