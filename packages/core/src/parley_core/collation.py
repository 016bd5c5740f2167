"""The order of texts for people: without regard to case and accents."""

import unicodedata

# Letters with a stroke and the like, of which Unicode names no base.
_BASES = str.maketrans(
    {"æ": "ae", "ð": "d", "đ": "d", "ħ": "h", "\u0131": "i", "ł": "l", "ø": "o", "œ": "oe", "ŧ": "t", "þ": "th"}
)


def collation_key(text: str) -> str:
    """Return what a text is sorted by: its letters without case and accents; never empty for a text that isn't."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in folded if not unicodedata.combining(c)).translate(_BASES) or text
