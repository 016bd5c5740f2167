"""The words of a text, as filters compare them: stored words and those that somebody looks for are spelt alike."""

import re
import unicodedata
from functools import lru_cache

SPELLING = "#2"
"""Stands among stored words that are spelt as `folded` does it now. No word contains it."""

_MOST_SOUGHT = 10
_APOSTROPHES = (
    "'`\N{ACUTE ACCENT}\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
    "\N{SINGLE HIGH-REVERSED-9 QUOTATION MARK}\N{PRIME}\N{REVERSED PRIME}\N{FULLWIDTH APOSTROPHE}"
    "\N{FULLWIDTH GRAVE ACCENT}\N{MODIFIER LETTER PRIME}\N{MODIFIER LETTER TURNED COMMA}"
    "\N{MODIFIER LETTER APOSTROPHE}\N{MODIFIER LETTER REVERSED COMMA}\N{MODIFIER LETTER RIGHT HALF RING}"
    "\N{MODIFIER LETTER LEFT HALF RING}\N{MODIFIER LETTER VERTICAL LINE}\N{MODIFIER LETTER ACUTE ACCENT}"
    "\N{MODIFIER LETTER GRAVE ACCENT}\N{MODIFIER LETTER DOUBLE APOSTROPHE}\N{ARMENIAN APOSTROPHE}"
    "\N{HEBREW PUNCTUATION GERESH}\N{HEBREW PUNCTUATION GERSHAYIM}\N{LATIN CAPITAL LETTER SALTILLO}"
    "\N{LATIN SMALL LETTER SALTILLO}\N{GREEK KORONIS}\N{GREEK PSILI}\N{GREEK DASIA}\N{GREEK OXIA}\N{GREEK VARIA}"
    "\N{HEAVY SINGLE TURNED COMMA QUOTATION MARK ORNAMENT}\N{HEAVY SINGLE COMMA QUOTATION MARK ORNAMENT}"
)
_IGNORED = str.maketrans("", "", _APOSTROPHES)
_APART = str.maketrans(dict.fromkeys(_APOSTROPHES, " "))
# Unicode separates no accent from these letters, but their names say what they are: LATIN SMALL LETTER O WITH STROKE.
_LATIN = re.compile(r"LATIN (?:SMALL LETTER|SMALL LIGATURE|LETTER SMALL CAPITAL) ([A-Z]{1,2})(?: WITH .+)?")
_LATIN_BY_NAME = {
    "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    "\N{LATIN SMALL LETTER DOTLESS J}": "j",
    "\N{LATIN SMALL LETTER ETH}": "d",
    "\N{LATIN SMALL LETTER THORN}": "th",
    "\N{LATIN SMALL LETTER ENG}": "n",
    "\N{LATIN SMALL LETTER KRA}": "k",
    "\N{LATIN SMALL LETTER SCHWA}": "e",
    "\N{LATIN SMALL LETTER TURNED E}": "e",
    "\N{LATIN SMALL LETTER OPEN E}": "e",
    "\N{LATIN SMALL LETTER OPEN O}": "o",
}
# Scripts without spaces between words, and Hangul, whose words are often written together.
_UNSPACED = (
    *("CJK ", "IDEOGRAPHIC ", "HIRAGANA ", "KATAKANA", "HENTAIGANA ", "VERTICAL KANA ", "BOPOMOFO ", "HANGUL ", "YI "),
    *("THAI ", "LAO ", "KHMER ", "MYANMAR ", "TAI ", "NEW TAI LUE ", "JAVANESE ", "BALINESE "),
)
# Unicode's combining classes of overlays and of what stands around a letter, and of Hebrew, Arabic and Syriac vowels.
_ACCENTS, _POINTS = {1, *range(200, 255)}, range(10, 37)
# Over the kinds of the characters: one of an unspaced script with its marks, or the letters and digits of a word.
_WORD = re.compile("um*|w[wm]*")


def folded(text: str) -> str:
    """Return a text in the spelling under which it is compared.

    Case, accents, apostrophes, invisible characters and compatible forms (full width, ligatures) make no difference.
    Latin letters become those of ASCII where they are such a letter with something added; other scripts stay what they
    are.
    """
    decomposed = _without_marks(unicodedata.normalize("NFKD", text.translate(_IGNORED)))
    lower = _without_marks(unicodedata.normalize("NFKD", decomposed.casefold())).translate(_IGNORED)
    return unicodedata.normalize("NFC", "".join(map(_plain, lower)))


def words_of(text: str) -> list[str]:
    """Return the words of a text in the spelling of `folded`, each once, in order.

    In scripts without spaces between words, and in Korean, each character is a word.
    """
    spelt = folded(text)
    kinds = "".join(map(_kind, spelt))
    return list(dict.fromkeys(spelt[found.start() : found.end()] for found in _WORD.finditer(kinds)))


def words_to_store(text: str) -> list[str]:
    """Return the words under which a text is found: with apostrophes ignored, and what stands between them."""
    return list(dict.fromkeys([*words_of(text), *words_of(text.translate(_APART))]))


def sought_words(text: str) -> list[str]:
    """Return the words that somebody looks for: the first ten of the text."""
    return words_of(text)[:_MOST_SOUGHT]


def _without_marks(text: str) -> str:
    return "".join(char for char in text if not _is_ignored(char))


@lru_cache(maxsize=4096)
def _is_ignored(char: str) -> bool:
    """Return whether a character is an accent or invisible; the vowels and voicing marks of other scripts are not."""
    if position := unicodedata.combining(char):
        return position in _ACCENTS or position in _POINTS
    is_variation = "VARIATION SELECTOR" in unicodedata.name(char, "") or char == "\N{COMBINING GRAPHEME JOINER}"
    return is_variation or unicodedata.category(char) in {"Cf", "Me"}


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    if char.isascii():
        return char
    found = _LATIN.fullmatch(unicodedata.name(char, ""))
    return found[1].lower() if found else _LATIN_BY_NAME.get(char, char)


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    """Return `w` for a letter or digit, `u` for one of an unspaced script, `m` for a mark, a space for the rest."""
    if unicodedata.category(char).startswith("M"):
        return "m"
    if not (char.isalnum() or char == "_"):
        return " "
    return "u" if unicodedata.name(char, "").startswith(_UNSPACED) else "w"
