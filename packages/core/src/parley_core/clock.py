"""The time, as something that can be given: services take a `Clock`, tests give one that they move."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The instant in UTC at millisecond precision, which is what MongoDB stores."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(instant: datetime) -> datetime:
    """The same instant in UTC, cut to whole milliseconds."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
