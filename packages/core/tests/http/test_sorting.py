"""Sort orders and cursors."""

import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.asynchronous.collection import AsyncCollection

from parley_core import Document, Parley
from parley_core.errors import InvalidCursor, InvalidSort
from parley_core.http.sorting import Sort, SortKeys, behind
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import NOON, a_plugin

KEYS = SortKeys({"created_at": datetime, "title": str, "status": str}, default="-created_at")
ITEM = {"_id": "n", "created_at": NOON, "title": "First", "status": "open"}


def a_note(number: int) -> Document:
    """Notes with many equal values, in titles that sort by code point."""
    titles = ("", "a", "B", "é", "😀", "$title", '{"$gt": ""}')
    return {
        "_id": f"{number * 7 % 60:03}",
        "created_at": NOON + timedelta(milliseconds=number % 4),
        "title": titles[number % 7],
        "status": ("open", "closed")[number % 2],
    }


@pytest.fixture
async def notes(core_settings: CoreSettings) -> AsyncIterator[AsyncCollection[Document]]:
    async with Parley([core_settings], plugins=[a_plugin("notes", parley_events=[])]).running() as parley:
        await parley.database["notes"].insert_many([a_note(number) for number in range(60)])
        yield parley.database["notes"]


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


def some_orders() -> list[str]:
    """Every order of one to three keys in every mix of directions."""
    names = ("created_at", "title", "status")
    chosen = [keys for count in (1, 2, 3) for keys in itertools.permutations(names, count)]
    return [
        ",".join(f"{sign}{name}" for sign, name in zip(signs, keys, strict=True))
        for keys in chosen
        for signs in itertools.product(("", "-"), repeat=len(keys))
    ]


class TestWalk:
    async def test_equals_the_full_sort(self, notes: AsyncCollection[Document]) -> None:
        """Going on behind the last item of each page gives each item once, in the order of the whole list."""
        for spelt in some_orders():
            await self.walk(notes, KEYS.parse(spelt))

    async def walk(self, notes: AsyncCollection[Document], sort: Sort) -> None:
        whole = await notes.find().sort(list(sort.keys)).to_list()
        walked = await notes.find().sort(list(sort.keys)).limit(7).to_list()
        while len(walked) < len(whole):
            cursor = KEYS.decode(KEYS.encode(sort, walked[-1], offset=len(walked)))
            assert (cursor.sort, cursor.offset) == (sort, len(walked))
            page = await notes.find(behind(cursor)).sort(list(sort.keys)).limit(7).to_list()
            assert page
            walked += page
        assert walked == whole, sort.spelt

    async def test_while_others_write(self, notes: AsyncCollection[Document]) -> None:
        """Items that come or go elsewhere neither repeat nor hide the others."""
        sort = KEYS.parse("title,-created_at")
        before = [note["_id"] async for note in notes.find().sort(list(sort.keys))]
        first = await notes.find().sort(list(sort.keys)).limit(30).to_list()
        cursor = KEYS.decode(KEYS.encode(sort, first[-1], offset=30))
        await notes.delete_many({"_id": {"$in": [note["_id"] for note in first[::2]] + [first[-1]["_id"]]}})
        await notes.insert_one({**a_note(0), "_id": "new", "title": ""})
        rest = [note["_id"] async for note in notes.find(behind(cursor)).sort(list(sort.keys))]
        assert rest == before[30:]

    async def test_starts_inside_the_index(self, notes: AsyncCollection[Document]) -> None:
        """The query behind a cursor reads what it answers, not the list from its end."""
        await notes.create_index([("created_at", -1), ("_id", -1)])
        sort = KEYS.parse("-created_at")
        last = await notes.find().sort(list(sort.keys)).skip(50).limit(1).to_list()
        cursor = KEYS.decode(KEYS.encode(sort, last[0], offset=51))
        explained = await notes.find(behind(cursor)).sort(list(sort.keys)).explain()
        assert explained["executionStats"]["totalKeysExamined"] <= 16
        assert "SORT" not in str(explained["queryPlanner"]["winningPlan"]).replace("SORT_KEY", "")


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
