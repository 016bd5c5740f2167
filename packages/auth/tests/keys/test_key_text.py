"""The text of a key: what clients send."""

import re

import pytest

from parley_auth.keys.models import KeyText
from parley_core import new_id

KEY = KeyText("a" * 24, "b" * 24, "c" * 64).text
SPELLINGS = {
    "upper case": KEY.upper(),
    "a capital": KEY.capitalize(),
    "a capital in the secret": KEY[:-1] + "A",
    "a line's end": KEY + "\n",
    "a space": " " + KEY,
    "padding": KEY + "=",
    "too short": KEY[:-1],
    "no hexadecimal digit": KEY[:-1] + "g",
    "a wide digit": KEY[:-1] + "\N{FULLWIDTH DIGIT ONE}",
    "another script's digit": KEY[:-1] + "\N{ARABIC-INDIC DIGIT ONE}",
    "a surrogate": KEY[:-1] + "\ud800",
    "hyphens": KEY.replace("_", "-"),
    "no prefix": KEY.removeprefix("parley_"),
    "very long": KEY * 1000,
    "nothing": "",
}


class TestText:
    def test_of_a_new_one(self) -> None:
        """It names its creator and itself, so that one point read finds it; the rest are 256 random bits."""
        user_id, key_id = new_id(), new_id()
        one, two = KeyText.new(user_id, key_id), KeyText.new(user_id, key_id)
        assert re.fullmatch(rf"parley_{user_id}{key_id}_[0-9a-f]{{64}}", one.text)
        assert one.secret != two.secret
        assert one.digest != two.digest
        assert KeyText.parse(one.text) == one

    def test_digest_shows_nothing(self) -> None:
        """The digest contains neither the secret nor a part of it."""
        key = KeyText.new(new_id(), new_id())
        assert re.fullmatch("[0-9a-f]{64}", key.digest)
        assert key.secret not in key.digest
        assert key.digest not in key.text

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_has_one_spelling(self, spelling: str) -> None:
        """Every other spelling is no key at all."""
        assert KeyText.parse(KEY) is not None
        assert KeyText.parse(SPELLINGS[spelling]) is None
