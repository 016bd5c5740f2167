"""What of a text can be seen, and what turns the direction in which the rest of the line is shown.

It is decided by Unicode's data: general categories, and two properties that Python doesn't know.
"""

import re
import unicodedata

_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Unicode's Default_Ignorable_Code_Point, which contains joiners, fillers of Hangul, variation selectors and tags.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Symbols and letters whose glyph is empty: blank Braille, the object replacement character, the null notehead, blanks
# of Egyptian hieroglyphs; and code points that are no characters.
_EMPTY = "\u2800\ufffc\U0001d159\U00013441\U00013442\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_UNSEEN = re.compile(f"[{_IGNORABLE}{_EMPTY}]")
# Controls, formats, lone surrogates, separators; marks need a character to stand on. What Python's Unicode doesn't know
# yet (Cn) may be a new emoji.
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Mn", "Mc", "Me"})


def is_visible(text: str) -> bool:
    """Return whether at least one character of a text can be seen."""
    return any(unicodedata.category(c) not in _UNSEEN_CATEGORIES and not _UNSEEN.match(c) for c in text)


def changes_direction(text: str) -> bool:
    """Return whether a text has one of Unicode's Bidi_Control characters, which can disguise what it says."""
    return _BIDI_CONTROLS.search(text) is not None
