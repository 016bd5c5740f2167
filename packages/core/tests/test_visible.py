"""What of a text can be seen, character by character of Unicode."""

import sys
import unicodedata

import pytest

from parley_core.visible import changes_direction, is_visible

INVISIBLE = [
    *(
        "",
        " ",
        "\t\r\n",
        "\u00a0",
        "\u1680",
        "\u2003",
        "\u202f",
        "\u205f",
        "\u3000",
        "\u2028\u2029",
        "\x00\x1b\x7f\x85",
    ),
    *("\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u115f\u1160", "\u17b4\u17b5", "\u180b", "\u180e", "\u180f"),
    *("\u200b", "\u200c", "\u200d", "\u200e\u200f", "\u202a\u202e", "\u2060", "\u2061\u2064", "\u2065", "\u2066\u2069"),
    *("\u206a\u206f", "\u2800", "\u2800 \u2800", "\u3164", "\ufe00", "\ufe0f", "\ufeff", "\uffa0", "\ufff0", "\ufff9"),
    *("\U0001bca0", "\U0001d159", "\U0001d173", "\U000e0001", "\U000e0020\U000e007f", "\U000e0100", "\U000e0fff"),
    *("\u0301", "\u0301\u0308", "\u0903", "\u20dd", "\ufffc", "\ufffe", "\U0010ffff", "\ufdd0", "\U00013441", "\ud800"),
]
VISIBLE = [
    *(
        "a",
        " a ",
        "é",
        "e\u0301",
        "\u200ba\u200b",
        "1",
        "-",
        ".",
        "…",
        "№",
        "§",
        "+",
        "$",
        "^",
        "한",
        "\u1112\u1161\u11ab",
    ),
    *("👩\u200d🚀", "👩🏽\u200d💻", "❤\ufe0f", "1\ufe0f\u20e3", "🇩🇪", "🏴\U000e0067\U000e0062\U000e007f", "\U0001fae9"),
    *("می\u200cخواهم", "क्\u200dष", "ක්\u200dෂ", "葛\U000e0100", "العربية", "עברית", "ไทย"),
    *("\ue000", "\ufffd", "\u2801", "\U00013000", "\U0001d15a"),
]

# Whatever their names say.
HAVE_GLYPHS = {
    *("BLANK SYMBOL", "SYMBOL FOR NULL", "SYMBOL FOR SPACE", "IDEOGRAPHIC HALF FILL SPACE"),
    *("DEVANAGARI GAP FILLER", "DIVES AKURU GAP FILLER", "NEWA GAP FILLER", "MANICHAEAN PUNCTUATION LINE FILLER"),
    *("SIGNWRITING LOCATION-FLOORPLANE SPACE", "SIGNWRITING LOCATION-WALLPLANE SPACE"),
}


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
def test_invisible(text: str) -> None:
    """Space, controls, formats, fillers, marks without a letter, selectors, tags and blanks can't be seen."""
    assert not is_visible(text)


@pytest.mark.parametrize("text", VISIBLE, ids=ascii)
def test_visible(text: str) -> None:
    """Letters of any script, digits, punctuation and emoji can be seen, whatever joins or selects them."""
    assert is_visible(text)


def test_all_of_unicode() -> None:
    """A character that can be seen has a name that doesn't say the contrary, or isn't known to this Python yet."""
    seen = [c for c in map(chr, range(sys.maxunicode + 1)) if is_visible(c)]
    assert {unicodedata.category(c)[0] for c in seen} == {"L", "N", "P", "S", "C"}
    assert {unicodedata.category(c) for c in seen if unicodedata.category(c)[0] == "C"} == {"Cn", "Co"}
    words = ("FILLER", "SPACE", "BLANK", "NULL", "JOINER", "SELECTOR", "INVISIBLE", "IGNORABLE", "OBJECT REPLACEMENT")
    named = {unicodedata.name(c, "") for c in seen}
    assert {name for name in named if any(word in name.split() for word in words)} == HAVE_GLYPHS


def test_direction() -> None:
    """Exactly Unicode's twelve Bidi_Control characters change the direction of what stands around them."""
    found = [c for c in map(chr, range(sys.maxunicode + 1)) if changes_direction(f"a{c}b")]
    assert [f"{ord(c):04X}" for c in found] == (
        "061C 200E 200F 202A 202B 202C 202D 202E 2066 2067 2068 2069".split()  # noqa: SIM905
    )
