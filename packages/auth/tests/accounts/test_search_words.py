"""Under what an account is found."""

import pytest

from parley_auth.accounts.search_words import search_words, sought
from parley_core.words import SPELLING


@pytest.mark.parametrize(
    ("name", "email", "words"),
    [
        ("Ada Lovelace", "ada@example.com", ["ada", "lovelace", "@ada@example.com"]),
        (None, "ada@example.com", ["@ada@example.com"]),
        ("Siobhán O'Brien", "o'b@example.com", ["siobhan", "obrien", "o", "brien", "@ob@example.com"]),
        ("@ada @", "x@example.com", ["ada", "@x@example.com"]),
        ("Straße", "straße@example.com", ["strasse", "@strasse@example.com"]),
    ],
)
def test_stored(name: str | None, email: str, words: list[str]) -> None:
    """The words of the name and the e-mail, which no word of a name can be taken for."""
    assert search_words(name, email) == [*words, SPELLING]


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("Ada", [["ada"], ["@ada"]]),
        ("Ada Lovelace", [["ada", "lovelace"]]),
        (" Ada\u3000", [["ada"], ["@ada"]]),
        ("jean-luc", [["jean", "luc"], ["@jean-luc"]]),
        ("Ada@Exam", [["@ada@exam"]]),
        ("\N{FULLWIDTH LATIN SMALL LETTER A}\N{FULLWIDTH COMMERCIAL AT}x", [["@a@x"]]),
        ("岡本", [["岡", "本"], ["@岡本"]]),
        (" ".join("abcdefghijkl"), [list("abcdefghij")]),
        ("ada ada@x", [["ada", "x"]]),
    ],
)
def test_sought(text: str, alternatives: list[list[str]]) -> None:
    """All words of a name, or, where there is no space, the start of an e-mail."""
    assert sought(text) == alternatives
