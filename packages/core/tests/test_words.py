"""The words of a text."""

import pytest

from parley_core.words import folded, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada Lovelace", ["ada", "lovelace"]),
        ("Jean-Luc O'Brien, jean", ["jean", "luc", "o", "brien"]),
        ("Straße STRASSE", ["strasse"]),
        ("\N{LATIN SMALL LIGATURE FI}ne \N{FULLWIDTH LATIN CAPITAL LETTER A}da", ["fine", "ada"]),
        ("e\N{COMBINING ACUTE ACCENT}t\N{LATIN SMALL LETTER E WITH ACUTE}", ["été"]),
        ("岡本 太郎 3rd_one", ["岡本", "太郎", "3rd_one"]),
        ("$name {.*} \x00 \ud800", ["name"]),
        ("", []),
    ],
    ids=["plain", "punctuation", "case", "compatibility", "composed", "other scripts", "operators", "empty"],
)
def test_words(text: str, words: list[str]) -> None:
    """Words are folded and compared in one Unicode form, each once; what separates them doesn't matter."""
    assert words_of(text) == words


def test_folded() -> None:
    """A folded text keeps its punctuation."""
    assert folded("Ada.L@Example.COM") == "ada.l@example.com"
