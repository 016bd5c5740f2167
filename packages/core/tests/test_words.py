"""The words of a text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley_core.words import SPELLING, folded, sought_words, words_of, words_to_store

APOSTROPHES = "'\u2018\u2019\u201b\u2032\u02bc\u02bb\u02b9\u02be\u02bf\u00b4`\uff07\u055a\u05f3\ua78c\u1fbd"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada Lovelace", ["ada", "lovelace"]),
        ("Jean-Luc O'Brien, jean", ["jean", "luc", "obrien"]),
        ("Straße STRASSE STRAẞE", ["strasse"]),
        ("\N{LATIN SMALL LIGATURE FI}ne \N{FULLWIDTH LATIN CAPITAL LETTER A}da", ["fine", "ada"]),
        ("e\N{COMBINING ACUTE ACCENT}t\N{LATIN SMALL LETTER E WITH ACUTE}", ["ete"]),
        ("岡本 太郎 3rd_one", ["岡", "本", "太", "郎", "3rd_one"]),
        ("C++ C# .NET", ["c", "net"]),
        ("soft\N{SOFT HYPHEN}ware \N{RIGHT-TO-LEFT MARK}x", ["software", "x"]),
        ("$name {.*} \x00 \ud800", ["name"]),
        ("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}", []),
        ("", []),
    ],
    ids=[
        *("plain", "punctuation", "case", "compatibility", "composed", "other scripts", "symbols", "invisible"),
        *("operators", "emoji", "empty"),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """Words are folded and compared in one Unicode form, each once; what separates them doesn't matter."""
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("José Muñoz Röder Dvořák", "jose munoz roder dvorak"),
        ("İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul"),
        ("Łukasz Đorđe Øre Ħal Ŧ ɓ", "lukasz dorde ore hal t b"),
        ("Ægir Œuvre Þór ðæŋ ǿ", "aegir oeuvre thor daen o"),
        ("Nguyễn Đặng ươ", "nguyen dang uo"),
        ("Ə ɛ ɔ", "e e o"),
        ("ΣΊΣΥΦΟΣ ᾳ", "σισυφοσ α"),
        ("Ёж Київ", "еж киів"),
        ("מְנַהֵל أحمد", "מנהל احمد"),
        ("ﬃ Ｆｕｌｌ ① ᴇɴɢ", "ffi full 1 eng"),
    ],
)
def test_accents(text: str, plain: str) -> None:
    """Letters lose what was added to them; scripts stay what they are."""
    assert folded(text) == plain
    assert folded(unicodedata.normalize("NFD", text)) == plain


@pytest.mark.parametrize("apostrophe", APOSTROPHES)
def test_apostrophes(apostrophe: str) -> None:
    """Whichever apostrophe somebody types, or none, the word is the same; it is stored by its parts too."""
    assert words_of(f"O{apostrophe}Brien") == ["obrien"]
    assert words_to_store(f"L{apostrophe}Ingénieur") == ["lingenieur", "l", "ingenieur"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("React開発者", ["react", "開", "発", "者"]),
        ("バックエンド ｶﾞ", ["バ", "ッ", "ク", "エ", "ン", "ド", "ガ"]),
        ("ひらがな々〇", ["ひ", "ら", "が", "な", "々", "〇"]),
        ("백엔드", ["백", "엔", "드"]),
        ("นักพัฒนา", ["นั", "ก", "พั", "ฒ", "น", "า"]),
        ("ㄅ𠮷", ["ㄅ", "𠮷"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
    ],
    ids=["mixed", "katakana", "hiragana", "korean", "thai", "bopomofo and beyond the plane", "devanagari has spaces"],
)
def test_characters(text: str, words: list[str]) -> None:
    """Where no space separates words each character is one, with the marks that belong to it."""
    assert words_of(text) == words
    assert words_of(unicodedata.normalize("NFD", text)) == words


def test_the_first_ten_are_sought() -> None:
    """A pasted title finds itself by its first words."""
    assert sought_words("a b c d a e f g h i j k l") == list("abcdefghij")


def test_folded() -> None:
    """A folded text keeps its punctuation."""
    assert folded("Ada.L@Example.COM") == "ada.l@example.com"


@given(st.text(max_size=30))
def test_once_is_enough(text: str) -> None:
    """What is folded stays as it is, and no text contains the mark of the spelling."""
    assert folded(folded(text)) == folded(text)
    assert words_of(folded(text)) == words_of(text)
    assert SPELLING not in words_to_store(text)


def test_no_character_is_long() -> None:
    """No character is folded to so many that stored words could become large."""
    # Beyond these planes are characters that nothing folds, and private ones.
    assert max(len(folded(chr(code))) for code in range(0x30000)) == 18
