"""The order of texts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley_core.collation import collation_key

IN_ORDER = [
    *("2nd round", "Äpfel", "avocado", "Éclair", "eclair 2", "İstanbul", "Łódź", "NAÏVE", "naïve 2", "Œuvre", "Ørsted"),
    *(
        "Straße",
        "strasse 2",
        "Ünal",
        "vietnam Việt",
        "zebra",
        "Zebra 2",
        "Ελλάδα",
        "ελλαδα 2",
        "Ёлка",
        "елка 2",
        "日本",
    ),
]


def test_order() -> None:
    """Neither case nor accents move a text."""
    mixed = random.Random(7).sample(IN_ORDER, len(IN_ORDER))  # noqa: S311 - the same order on every run
    assert sorted(mixed, key=collation_key) == IN_ORDER


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "MULLER"),
        ("é", "e\u0301"),
        ("ŁÓDŹ", "lodz"),
        ("ΣΊΣΥΦΟΣ", "σισυφος"),
        ("ﬁn", "FIN"),
        ("ｆｕｌｌ", "full"),
    ],
)
def test_alike(one: str, other: str) -> None:
    """Texts that differ in case, accents or form alone are sorted alike."""
    assert collation_key(one) == collation_key(other)


@given(st.text(min_size=1))
def test_any_text(text: str) -> None:
    """Every text has a key, which doesn't depend on its Unicode form."""
    assert collation_key(text)
    assert collation_key(text.upper()) == collation_key(text.upper().lower().upper())
