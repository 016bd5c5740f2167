"""The header of a write that has made overlaps; it stands alone, since two rooms send it."""

from fastapi import Response

from parley_core.http.sent_headers import SentHeader

CONFLICTS = SentHeader(
    "Parley-Conflicts",
    "How many overlaps the write has made: one for each person and each other open interview in which they take part "
    "at that time. Absent if there are none.",
    "integer",
)


def say_conflicts(number: int, response: Response) -> None:
    """Give an answer the header, where a write has made overlaps."""
    if number:
        response.headers[CONFLICTS.name] = str(number)
