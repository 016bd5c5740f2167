"""When a receiver wants to be asked again."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley_webhooks.transport.retry_after import seconds_in

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seconds(value: str) -> float | None:
    """Return what is read of this value."""
    return seconds_in([(b"X", b"1"), (b"retry-AFTER", value.encode())], now=NOW)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90),
        ("Sun Mar  1 12:01:30 2026", 90),
        ("Sun, 01 Mar 2026 13:01:30 +0100", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("inf", None),
        ("\u0663", None),
        ("9" * 400, None),
        ("", None),
        ("soon", None),
        ("Sun, 99 Mar 2026 12:01:30 GMT", None),
    ],
)
def test_values(value: str, expected: float | None) -> None:
    """Whole seconds and HTTP dates in their three forms are read; a date that has passed is 0; the rest is nothing."""
    assert seconds(value) == expected


def test_none() -> None:
    """Without the header there is nothing."""
    assert seconds_in([(b"Date", b"Sun, 01 Mar 2026 12:01:30 GMT")], now=NOW) is None


@given(st.binary(max_size=60))
def test_any_value(value: bytes) -> None:
    """Whatever a receiver sends, it is a number from 0 or nothing."""
    found = seconds_in([(b"Retry-After", value)], now=NOW)
    assert found is None or found >= 0


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001 - a zone is added
def test_any_date(date: datetime, hours: int) -> None:
    """A date in any zone is counted from now."""
    date = date.replace(tzinfo=timezone(timedelta(hours=hours)), microsecond=0)
    assert seconds(format_datetime(date)) == max(0.0, (date - NOW).total_seconds())
