"""Entity tags in headers: what names one, and what doesn't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley_core.http.entity_tags import EntityTags

TAG = '"1-a.b"'
NAMING: list[list[str]] = [
    [TAG],
    [f"W/{TAG}"],
    [f' {TAG}\t,"x"'],
    [f'"x,y", W/{TAG}'],
    [f",, {TAG},"],
    ['"x"', f"W/{TAG}"],
    ["*"],
    [" * "],
    ['"1-a.b-gzip"'],
    ['W/"1-a.b-br"'],
]
OTHERS: list[list[str]] = [
    [],
    [""],
    [","],
    ["1-a.b"],
    ['"1-a.b'],
    [f"w/{TAG}"],
    [f"W/ {TAG}"],
    [f"x{TAG}"],
    [f"{TAG}x"],
    [f"{TAG} {TAG}"],
    ["*,*"],
    ["*", TAG[:-1]],
    ['"1-a.b "'],
    ['"1-a.b-deflate"'],
    ['"-gzip"'],
    ['"x,1-a.b,y"'],
]


@pytest.mark.parametrize("lines", NAMING, ids=str)
def test_named(lines: list[str]) -> None:
    """A tag is named alone, in lists and lines, in its weak form, with the coding that a proxy appends, and by `*`."""
    assert EntityTags.of(lines).has(TAG)


@pytest.mark.parametrize("lines", OTHERS, ids=str)
def test_not_named(lines: list[str]) -> None:
    """Nothing malformed names it, nor does a part of another tag."""
    assert not EntityTags.of(lines).has(TAG)


@given(st.lists(st.text('"W/*,ab \t', max_size=30), max_size=3))
def test_any_text(lines: list[str]) -> None:
    """Whatever is sent, what is found are whole tags."""
    for tag in EntityTags.of(lines).opaque or ():
        assert tag[0] == tag[-1] == '"'
        assert tag.count('"') == 2
