"""The database's clock beside the application's: what several servers compare must not differ by much."""

import logging
import time
from datetime import UTC, timedelta

from parley_core.clock import Clock
from parley_core.data.handle import Database
from parley_core.log_lines import LogLine

_TOLERATED = timedelta(seconds=2)
_log = logging.getLogger("parley.clock")


class DatabaseClock:
    """Compares this server's clock with the database's, and warns when they begin to differ by more than two seconds.

    Args:
        database: the application's.
        clock: returns this server's time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._differs = False

    async def check(self) -> timedelta:
        """Return how far this server's clock is ahead of the database's; half of what the question took is unknown.

        Raises:
            PyMongoError: the database doesn't answer.
        """
        asked_at, begun = self._clock(), time.monotonic()
        answer = await self._database.command("hello")
        took = timedelta(seconds=time.monotonic() - begun)
        ahead: timedelta = asked_at + took / 2 - answer["localTime"].replace(tzinfo=UTC)
        self._report(ahead, differs=abs(ahead) > _TOLERATED + took / 2)
        return ahead

    async def check_readiness(self) -> None:
        """Return when the database answers, whatever its clock says, and raise as `check` does."""
        await self.check()

    def _report(self, ahead: timedelta, *, differs: bool) -> None:
        if differs and not self._differs:
            line = LogLine(
                "clock_differs",
                "this server's clock is {seconds} s {where} the database's: synchronize both with NTP",
                seconds=round(abs(ahead.total_seconds()), 1),
                where="ahead of" if ahead > timedelta(0) else "behind",
            )
            _log.warning(line)
        elif self._differs and not differs:
            _log.warning(LogLine("clock_agrees", "this server's clock agrees with the database's again"))
        self._differs = differs
