"""Lines of iCalendar, read by another's parser: every text comes back, and no line is too long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Event

from parley_calendar.text import encoded, escaped

TEXTS = [
    "Backend engineer, second round; with Ada",
    "first\r\nsecond\nthird\rfourth",
    "END:VEVENT",
    "\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:another",
    "C:\\New folder\\nothing\\Nothing \\, \\; \\\\",
    "\\" * 200,
    "," * 200,
    "\N{GRINNING FACE}" * 100,
    "e\u0301" * 100,
    "\N{GREEK SMALL LETTER ALPHA}\N{EURO SIGN}\N{GRINNING FACE}a" * 60,
    " leading and trailing ",
    'quotes "and" colons: X=Y;Z^n',
    "a\tb",
    "line\u2028separator\u2029and\xa0space",
]


def parsed(text: str) -> str:
    """The text as another program reads it."""
    lines = encoded(["BEGIN:VEVENT", f"SUMMARY:{escaped(text)}", "UID:1", "END:VEVENT"])
    event = Event.from_ical(lines)
    assert set(event) == {"SUMMARY", "UID"}
    return str(event["SUMMARY"])


def with_one_break(text: str) -> str:
    """A text whose lines end as iCalendar ends them."""
    return re.sub("\r\n?", "\n", text)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back(text: str) -> None:
    """Whatever a title says, it is read as it was; the ways to break a line are one."""
    assert parsed(text) == with_one_break(text)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\\,;:nN\n\r\t"), max_size=300)
)
@settings(max_examples=100, deadline=None)
def test_any_text_comes_back(text: str) -> None:
    assert parsed(text) == with_one_break(text)
    assert max(map(len, encoded([escaped(text)]).split(b"\r\n"))) <= 75


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1f", "\x7f", "\x85"])
def test_other_control_characters_are_left_out(character: str) -> None:
    """They aren't allowed in a text (RFC 5545, 3.1), and a parser may take them for the end of a line."""
    assert escaped(f"a{character}b") == "ab"


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("offset", range(5))
def test_no_line_is_longer_than_75_octets(text: str, offset: int) -> None:
    """Wherever a character of several octets stands, it is in one row, and no row is needlessly short."""
    rows = encoded([f"X:{'a' * offset}{escaped(text)}"]).removesuffix(b"\r\n").split(b"\r\n")
    assert all(len(row) <= 75 for row in rows)
    assert all(len(row) > 71 for row in rows[:-1])
    assert all(row.startswith(b" ") and row.decode() for row in rows[1:])


def test_a_cut_inside_a_character_would_be_seen() -> None:
    """The negative control: rows that are cut by octets alone can't be decoded."""
    line = ("\N{GRINNING FACE}" * 20).encode()
    with pytest.raises(UnicodeDecodeError):
        _ = line[:75].decode()


@pytest.mark.parametrize("length", [74, 75, 76, 149, 150])
def test_the_longest_row(length: int) -> None:
    """75 octets fit; the space before each further row counts."""
    rows = encoded(["a" * length]).removesuffix(b"\r\n").split(b"\r\n")
    assert [len(row) for row in rows] == {74: [74], 75: [75], 76: [75, 2], 149: [75, 75], 150: [75, 75, 2]}[length]
