"""The spellings that count as one e-mail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from parley_auth.accounts.schemas import Registration
from parley_auth.emails import normalised


def stored(email: str) -> str:
    """Return the spelling under which a registration stores the e-mail."""
    return Registration(email=email, password="nine green bottles").email


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("ada@example.com", "ada@example.com"),
        (" ADA@Example.COM\n", "ada@example.com"),
        ("\u3000ada@example.com\u3000", "ada@example.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("ada@XN--BCHER-KVA.example", "ada@bücher.example"),
        ("ada.lovelace+work@example.com", "ada.lovelace+work@example.com"),
        ("STRASSE@example.com", "strasse@example.com"),
        ("straße@example.com", "straße@example.com"),
        ("ΑΔΑ@example.com", "αδα@example.com"),
    ],
)
def test_spelling(written: str, spelt: str) -> None:
    """A registration and a login use the same spelling, whichever was written."""
    assert stored(written) == normalised(written) == spelt


@settings(deadline=None)
@given(st.one_of(st.emails(), st.text(max_size=40), st.builds("{}@example.com".format, st.text(max_size=20))))
def test_of_anything(text: str) -> None:
    """A login finds what a registration stored, normalising twice changes nothing, and no text raises an error."""
    spelt = normalised(text)
    assert normalised(spelt) == spelt
    try:
        assert stored(text) == spelt
    except ValidationError:
        assert spelt == text.strip().lower()
