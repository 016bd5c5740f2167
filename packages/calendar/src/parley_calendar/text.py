"""iCalendar's lines (RFC 5545): text is escaped, and no line has more than 75 octets.

Why no library writes them is in docs/decisions/0043.
"""

import re
from collections.abc import Iterable, Iterator

_MOST_OCTETS = 75
_END, _FOLD = b"\r\n", b"\r\n "
_FURTHER_OCTETS = range(0x80, 0xC0)
"""What a character's octets are in UTF-8, all but its first."""

_BREAKS = re.compile(r"\r\n?")
# Of the control characters only the tab may stand in a text, besides the break.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def escaped(text: str) -> str:
    """Return a text as the value of a property (RFC 5545, 3.3.11), without control characters.

    The three ways to break a line are one.
    """
    clean = _CONTROLS.sub("", _BREAKS.sub("\n", text))
    return clean.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def encoded(lines: Iterable[str]) -> bytes:
    """Return content lines in UTF-8, each ended and, where it is too long, folded (RFC 5545, 3.1)."""
    return b"".join(_FOLD.join(_parts(line.encode())) + _END for line in lines)


def _parts(line: bytes) -> Iterator[bytes]:
    """Yield what stands on each of a line's rows; every character is in one of them."""
    begin, room = 0, _MOST_OCTETS
    while len(line) - begin > room:
        end = begin + room
        while line[end] in _FURTHER_OCTETS:
            end -= 1
        yield line[begin:end]
        # The space before each further row counts.
        begin, room = end, _MOST_OCTETS - 1
    yield line[begin:]
