"""Refused requests: each is counted, and the log has one line a minute with how many there were, whatever comes in."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from parley_core.clock import Clock
from parley_core.log_lines import LogLine
from parley_core.telemetry import METER

_REFUSALS = METER.create_counter(
    "parley.refusals", "{request}", "What was refused because somebody, or everybody, had had enough of it."
)
_QUIET = timedelta(minutes=1)


def count_refusal(budget: str) -> None:
    """Count a refusal in the metric `parley.refusals`.

    Args:
        budget: the budget that was spent, one of a short list of words.
    """
    _REFUSALS.add(1, {"budget": budget})


class RefusalLog:
    """Counts the refusals of one kind and logs the first of each minute.

    Args:
        log: where the lines go.
        line: returns the line for the number of those that were refused since the last one.
        budget: see `count_refusal`.
        clock: returns the time.
    """

    def __init__(self, log: logging.Logger, line: Callable[[int], LogLine], *, budget: str, clock: Clock) -> None:
        self._log = log
        self._line = line
        self._budget = budget
        self._clock = clock
        self._count = 0
        self._logged_at: datetime | None = None

    def add(self) -> None:
        """Count a refusal."""
        count_refusal(self._budget)
        self._count += 1
        now = self._clock()
        # A clock that was put back doesn't silence it.
        if self._logged_at is None or not self._logged_at <= now < self._logged_at + _QUIET:
            self._log.warning(self._line(self._count))
            self._count, self._logged_at = 0, now
