"""Sort orders and cursors."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley_core.errors import InvalidCursor, InvalidSort
from parley_core.http.sorting import Sort, SortKeys
from parley_core.testing import NOON

KEYS = SortKeys({"created_at": datetime, "title": str, "status": str}, default="-created_at")
ITEM = {"_id": "n", "created_at": NOON, "title": "First", "status": "open"}


class TestParse:
    def test_total_order(self) -> None:
        """Every order ends with the id, in the direction of the last key, so that no two items are equal in it."""
        assert KEYS.parse("title").keys == (("title", 1), ("_id", 1))
        assert KEYS.parse("title,-created_at").keys == (("title", 1), ("created_at", -1), ("_id", -1))
        assert KEYS.parse(KEYS.default).spelt == "-created_at"

    @pytest.mark.parametrize(
        "spelt",
        ["", "-", "colour", "_id", "title,title", "title,-title", "title,", "--title", " title", "Title", "$title"],
    )
    def test_unknown(self, spelt: str) -> None:
        """Other keys, and keys twice, are refused with the list of those that there are."""
        with pytest.raises(InvalidSort) as failure:
            KEYS.parse(spelt)
        assert failure.value.detail == "Sort by created_at, status, title, each at most once, '-' for descending"


class TestPlace:
    def test_beginning(self) -> None:
        """Without a cursor a list begins at its first item, in the order that is asked for or in the default one."""
        assert KEYS.place_of(sort=None, cursor=None, offset=7) == (KEYS.parse("-created_at"), None)
        assert KEYS.place_of(sort="title", cursor=None, offset=0) == (KEYS.parse("title"), None)
        with pytest.raises(InvalidSort):
            KEYS.place_of(sort="", cursor=None, offset=0)

    def test_continuation(self) -> None:
        """A cursor brings its order, which may be spelt beside it."""
        for sort in (None, "-created_at"):
            order, cursor = KEYS.place_of(sort=sort, cursor=VALID, offset=0)
            assert cursor == KEYS.decode(VALID)
            assert order == KEYS.parse("-created_at")

    @pytest.mark.parametrize(("sort", "offset"), [("title", 0), ("", 0), ("created_at", 0), (None, 1)])
    def test_contradiction(self, sort: str | None, offset: int) -> None:
        """Another order beside a cursor is refused, and so is an offset."""
        with pytest.raises(InvalidCursor):
            KEYS.place_of(sort=sort, cursor=VALID, offset=offset)


def spelt_cursor(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


VALID = KEYS.encode(KEYS.parse("-created_at"), ITEM, offset=1)
GOOD = ["-created_at", [NOON.isoformat(), "n"], 1]


class TestDecode:
    def test_longest_values(self) -> None:
        """The longest title of a list makes a cursor that the list accepts."""
        item = {**ITEM, "title": "😀" * 500}
        sort = KEYS.parse("title")
        assert KEYS.decode(KEYS.encode(sort, item, offset=2**31 - 1)).values == ("😀" * 500, "n")

    def test_instants(self) -> None:
        """An instant comes back as the same instant."""
        (instant, _) = KEYS.decode(VALID).values
        assert instant == NOON
        assert instant.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        "content",
        [
            [],
            {},
            None,
            "title",
            12,
            {"a": 1, "b": 2, "c": 3},
            GOOD[:2],
            [*GOOD, 1],
            ["-created_at", [NOON.isoformat()], 1],
            ["-created_at", [NOON.isoformat(), "n", "m"], 1],
            ["-created_at", ["yesterday", "n"], 1],
            ["-created_at", ["2027-03-01T12:00:00", "n"], 1],
            ["-created_at", ["0001-01-01T00:00:00+14:00", "n"], 1],
            ["-created_at", ["9999-12-31T23:59:59-14:00", "n"], 1],
            ["-created_at", [1, "n"], 1],
            ["-created_at", [{"$gt": ""}, "n"], 1],
            ["title", [{"$gt": ""}, "n"], 1],
            ["title", [None, "n"], 1],
            ["title", "ab", 1],
            ["title", {"a": "b", "c": "d"}, 1],
            ["_id", ["n", "n"], 1],
            ["colour", ["red", "n"], 1],
            [["title"], ["t", "n"], 1],
            [None, ["t", "n"], 1],
            ["title", ["t", "n"], -1],
            ["title", ["t", "n"], 2**31],
            ["title", ["t", "n"], 1.0],
            ["title", ["t", "n"], True],
            ["title", ["t", "n"], "1"],
            ["title", ["\ud800", "n"], 1],
            ["title", [float("nan"), "n"], 1],
        ],
        ids=lambda content: ascii(content)[:60],
    )
    def test_refused(self, content: Any) -> None:
        """A cursor of another list, or of nobody's making, is refused."""
        with pytest.raises(InvalidCursor):
            KEYS.decode(spelt_cursor(content))

    @pytest.mark.parametrize(
        "cursor",
        [VALID[:-3], VALID[3:], VALID * 2, f"{VALID}é", "\ud800", "A" * 10_000, ""],
        ids=["cut", "beheaded", "doubled", "accent", "surrogate", "endless", "empty"],
    )
    def test_damaged(self, cursor: str) -> None:
        """A cursor that was cut or changed is refused."""
        with pytest.raises(InvalidCursor):
            KEYS.decode(cursor)

    @given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
    def test_any_text(self, text: str) -> None:
        """Whatever is sent for a cursor is one or is refused."""
        with suppress(InvalidCursor):
            assert isinstance(KEYS.decode(text).sort, Sort)

    @given(
        st.lists(
            st.sampled_from(["title", "-created_at", NOON.isoformat()])
            | st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
                max_leaves=6,
            ),
            min_size=2,
            max_size=4,
        )
    )
    def test_any_content(self, content: list[Any]) -> None:
        """Nor does its content matter; what passes is text and instants that MongoDB can store."""
        try:
            cursor = KEYS.decode(spelt_cursor(content))
        except InvalidCursor:
            return
        assert all(isinstance(value, str) or value.astimezone(UTC) for value in cursor.values)
