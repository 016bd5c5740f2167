"""Identifiers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley_core import new_id, parse_id
from parley_core.errors import InvalidId


class TestIds:
    def test_new_ids(self) -> None:
        """Ids are unique, of one spelling, and sort in the order in which a process made them."""
        made = [new_id() for _ in range(1000)]
        assert made == sorted(set(made))
        assert all(parse_id(made_id) == made_id for made_id in made)

    @pytest.mark.parametrize(
        "text",
        ["", "0" * 23, "0" * 25, "0" * 24 + "\n", "A" * 24, "g" * 24, "٠" * 24, "０" * 24, '{"$gt": ""}'.ljust(24)],
        ids=["empty", "short", "long", "newline", "upper", "letter", "arabic", "wide", "operator"],
    )
    def test_malformed(self, text: str) -> None:
        """One id has one spelling."""
        with pytest.raises(InvalidId):
            parse_id(text)

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """Any text is either that spelling or refused."""
        try:
            assert parse_id(text) == text
        except InvalidId:
            assert not re.fullmatch("[0-9a-f]{24}", text)
