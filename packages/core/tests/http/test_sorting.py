"""Sort orders and cursors."""

import base64
import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley_core.data.keyset import Place
from parley_core.errors import InvalidCursor, InvalidSort
from parley_core.http.cursors import Cursors
from parley_core.http.pagination import CursorQuery
from parley_core.http.sorting import Places, SortKeys
from parley_core.testing import NOON

KEYS = SortKeys({"created_at": datetime, "title": str, "status": str}, default="-created_at")
CURSORS = Cursors(bytes(range(64)))
PLACES = Places(KEYS, CURSORS, of="things")
VALID = PLACES.cursor(Place(KEYS.parse("-created_at"), (NOON, "n"), 1))


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
        assert PLACES.asked_for(CursorQuery(offset=7)) == Place(KEYS.parse("-created_at"), None, 7)
        assert PLACES.asked_for(CursorQuery(), sort="title") == Place(KEYS.parse("title"), None, 0)
        with pytest.raises(InvalidSort):
            PLACES.asked_for(CursorQuery(), sort="")

    def test_continuation(self) -> None:
        """A cursor brings its order, which may be spelt beside it."""
        for sort in (None, "-created_at"):
            found = PLACES.asked_for(CursorQuery(cursor=VALID), sort=sort)
            assert found == Place(KEYS.parse("-created_at"), (NOON, "n"), 1)

    @pytest.mark.parametrize(("sort", "offset"), [("title", 0), ("", 0), ("created_at", 0), (None, 1)])
    def test_contradiction(self, sort: str | None, offset: int) -> None:
        """Another order beside a cursor is refused, and so is an offset."""
        with pytest.raises(InvalidCursor):
            PLACES.asked_for(CursorQuery(cursor=VALID, offset=offset), sort=sort)

    def test_longest_values(self) -> None:
        """The longest title of a list makes a cursor that the list accepts."""
        cursor = PLACES.cursor(Place(KEYS.parse("title"), ("😀" * 500, "n"), 2**31 - 1))
        found = PLACES.asked_for(CursorQuery(cursor=cursor))
        assert found.values == ("😀" * 500, "n")

    def test_instants(self) -> None:
        """An instant comes back as the same instant."""
        found = PLACES.asked_for(CursorQuery(cursor=VALID))
        assert found.values
        assert found.values[0] == NOON
        assert found.values[0].utcoffset() == timedelta(0)


class TestRefused:
    def test_other_list(self) -> None:
        """A cursor of one list is none in another, though both have the same keys, nor in another database."""
        for other in (Places(KEYS, CURSORS, of="notes"), Places(KEYS, Cursors(bytes(64)), of="things")):
            with pytest.raises(InvalidCursor):
                other.asked_for(CursorQuery(cursor=VALID))

    @pytest.mark.parametrize(
        ("order", "keys"),
        [("-created_at", {"title": str}), ("title,status", {"title": str}), ("title", {"title": datetime})],
    )
    def test_other_keys(self, order: str, keys: dict[str, type]) -> None:
        """A cursor of a release whose list had other keys, or keys of another type, is refused."""
        values = {"-created_at": (NOON, "n"), "title,status": ("First", "open", "n"), "title": ("First", "n")}
        cursor = PLACES.cursor(Place(KEYS.parse(order), values[order], 1))
        with pytest.raises(InvalidCursor):
            Places(SortKeys(keys, default="title"), CURSORS, of="things").asked_for(
                CursorQuery(cursor=cursor), sort=None
            )

    def test_earlier_release(self) -> None:
        """A cursor as earlier releases made them, which anybody could make, is refused."""
        content = ["-created_at", [NOON.isoformat(), "n"], 1]
        cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
        with pytest.raises(InvalidCursor):
            PLACES.asked_for(CursorQuery(cursor=cursor))

    @given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")))
    def test_any_text(self, text: str) -> None:
        """No text that somebody makes up is a cursor."""
        with pytest.raises(InvalidCursor):
            PLACES.asked_for(CursorQuery(cursor=text))
