"""The time as MongoDB stores it."""

from datetime import UTC, datetime, timedelta, timezone

from parley_core import utc_now
from parley_core.clock import to_milliseconds
from parley_core.testing import MovableClock


class TestClock:
    def test_now(self) -> None:
        """Now is in UTC and has whole milliseconds."""
        before, now = datetime.now(UTC), utc_now()
        assert now.utcoffset() == timedelta(0)
        assert now.microsecond % 1000 == 0
        assert timedelta(milliseconds=-1) < now - before < timedelta(seconds=5)

    def test_precision(self) -> None:
        """An instant is moved to UTC and cut, not rounded."""
        instant = datetime(2027, 3, 1, 1, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
        assert to_milliseconds(instant) == datetime(2027, 2, 28, 23, 0, 0, 999_000, tzinfo=UTC)

    def test_movable(self) -> None:
        """The clock of tests shows the same instant until it is moved."""
        clock = MovableClock()
        before = clock()
        clock.move(timedelta(days=1))
        assert clock() - before == timedelta(days=1)
