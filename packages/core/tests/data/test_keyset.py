"""What follows a place in a sorted list."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.asynchronous.collection import AsyncCollection

from parley_core import Document, Parley
from parley_core.data.keyset import behind
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import NOON, a_plugin

Keys = Sequence[tuple[str, int]]
MISSING = {"created_at": datetime(1970, 1, 1, tzinfo=UTC), "title": ""}
NEWEST: Keys = [("created_at", -1), ("_id", -1)]


def a_note(number: int) -> Document:
    """Notes with many equal values, in titles that sort by code point."""
    titles = ("a", "B", "é", "😀", "$title", '{"$gt": ""}')
    return {
        "_id": f"{number * 7 % 60:03}",
        "created_at": NOON + timedelta(milliseconds=number % 4),
        "title": titles[number % 6],
        "status": ("open", "closed")[number % 2],
    }


def values_of(note: Mapping[str, Any], keys: Keys) -> list[Any]:
    """The values of a note by which it is found again, with those that stand for missing ones."""
    return [note.get(name, MISSING.get(name)) for name, _ in keys]


@pytest.fixture
async def notes(core_settings: CoreSettings) -> AsyncIterator[AsyncCollection[Document]]:
    """Sixty notes that lack nothing."""
    async with Parley([core_settings], plugins=[a_plugin("notes", parley_events=[])]).running() as parley:
        await parley.database["notes"].insert_many([a_note(number) for number in range(60)])
        yield parley.database["notes"]


@pytest.fixture
async def gaps(notes: AsyncCollection[Document]) -> AsyncCollection[Document]:
    """The notes, of which some lack their title, some their instant, and some both."""
    await notes.update_many({"_id": {"$lt": "020"}}, {"$unset": {"title": True}})
    await notes.update_many({"_id": {"$gt": "010", "$lt": "030"}}, {"$unset": {"created_at": True}})
    return notes


def some_orders() -> list[Keys]:
    """Every order of one to three keys in every mix of directions."""
    chosen = [keys for n in (1, 2, 3) for keys in itertools.permutations(("created_at", "title", "status"), n)]
    return [
        [*zip(keys, directions, strict=True), ("_id", directions[-1])]
        for keys in chosen
        for directions in itertools.product((1, -1), repeat=len(keys))
    ]


async def walked(notes: AsyncCollection[Document], keys: Keys, missing: Mapping[str, object]) -> list[Document]:
    """Every note, as somebody finds them who goes on behind the last one of each page."""
    found = await notes.find().sort(list(keys)).limit(7).to_list()
    while page := await _next_page(notes, keys, found[-1], missing):
        found += page
        assert len(found) <= 60, keys
    return found


async def _next_page(
    notes: AsyncCollection[Document], keys: Keys, last: Document, missing: Mapping[str, object]
) -> list[Document]:
    where = behind(keys, values_of(last, keys), missing=missing)
    return await notes.find(where).sort(list(keys)).limit(7).to_list()


class TestWalk:
    async def test_equals_the_full_sort(self, notes: AsyncCollection[Document]) -> None:
        """Going on behind the last item of each page gives each item once, in the order of the whole list."""
        for keys in some_orders():
            assert await walked(notes, keys, {}) == await notes.find().sort(list(keys)).to_list(), keys

    async def test_with_missing_fields(self, gaps: AsyncCollection[Document]) -> None:
        """Items that lack a sort key come in their place too, before every value."""
        for keys in some_orders():
            assert await walked(gaps, keys, MISSING) == await gaps.find().sort(list(keys)).to_list(), keys

    async def test_missing_fields_must_be_named(self, gaps: AsyncCollection[Document]) -> None:
        """The check above notices when items without a sort key are lost."""
        assert len(await walked(gaps, NEWEST, {})) < 60

    async def test_while_others_write(self, notes: AsyncCollection[Document]) -> None:
        """Items that come or go elsewhere neither repeat nor hide the others."""
        keys: Keys = [("title", 1), ("created_at", -1), ("_id", -1)]
        before = [note["_id"] async for note in notes.find().sort(list(keys))]
        first = await notes.find().sort(list(keys)).limit(30).to_list()
        await notes.delete_many({"_id": {"$in": [note["_id"] for note in first[::2]] + [first[-1]["_id"]]}})
        await notes.insert_one({**a_note(0), "_id": "new", "title": "!"})
        rest = [note["_id"] async for note in notes.find(behind(keys, values_of(first[-1], keys))).sort(list(keys))]
        assert rest == before[30:]

    @pytest.mark.parametrize("missing", [{}, MISSING], ids=["none missing", "some may be missing"])
    async def test_starts_inside_the_index(
        self, notes: AsyncCollection[Document], missing: Mapping[str, object]
    ) -> None:
        """The query reads what it answers, not the list from its end."""
        await notes.create_index(list(NEWEST))
        [last] = await notes.find().sort(list(NEWEST)).skip(50).limit(1).to_list()
        where = behind(NEWEST, values_of(last, NEWEST), missing=missing)
        explained = await notes.find(where).sort(list(NEWEST)).explain()
        assert explained["executionStats"]["totalKeysExamined"] <= 16
        assert "SORT" not in str(explained["queryPlanner"]["winningPlan"]).replace("SORT_KEY", "")
