"""The header in which a receiver says when to come again (RFC 9110, 10.2.3)."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


def seconds_in(headers: Iterable[tuple[bytes, bytes]], *, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks for, counted from `now`; None without a valid one.

    Args:
        headers: names and values as they came.
        now: the instant that an HTTP date is compared with.
    """
    for name, value in headers:
        if name.lower() == b"retry-after":
            return _seconds(value.decode("latin-1").strip(), now)
    return None


def _seconds(text: str, now: datetime) -> float | None:
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    # Without a zone it is in UTC, which is what GMT at its end means.
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
