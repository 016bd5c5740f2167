"""The rehearsal of indexes finds what a start would find, and stores nothing."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest
from pymongo import AsyncMongoClient, IndexModel
from pymongo.collation import Collation

from parley_core import CollectionIndexes, Parley, StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin

Documents = Sequence[Mapping[str, Any]]
_NAME = IndexModel("name", name="by_name", unique=True)
_ANY_CASE = IndexModel("name", name="by_name", unique=True, collation=Collation("en", strength=2))
_ITEMS = IndexModel("items.id", name="by_item", unique=True)
_BOTH = IndexModel([("log", 1), ("seq", -1)], name="by_both", unique=True)
_SOME = IndexModel("name", name="by_name", unique=True, partialFilterExpression={"name": {"$gt": ""}})
_SPARSE = IndexModel("name", name="by_name", unique=True, sparse=True)


@dataclass(frozen=True)
class Case:
    """What is stored, what is declared, and whether a start would refuse it."""

    declared: IndexModel
    is_refused: bool
    stored: Documents = ()
    existing: Sequence[IndexModel] = field(default_factory=list)
    recorded: bool = False


CASES = {
    "new": Case(_NAME, is_refused=False),
    "there": Case(_NAME, is_refused=False, stored=[{"name": "a"}], existing=[_NAME]),
    "other options": Case(_NAME, is_refused=True, existing=[IndexModel("name", name="by_name")]),
    "other keys": Case(_NAME, is_refused=True, existing=[IndexModel("title", name="by_name")]),
    "other name": Case(_NAME, is_refused=True, existing=[IndexModel("name", name="old", unique=True)]),
    "other filter": Case(_SOME, is_refused=True, existing=[_NAME]),
    "other collation": Case(_ANY_CASE, is_refused=True, existing=[_NAME]),
    "other time": Case(
        IndexModel("at", name="forget", expireAfterSeconds=0),
        is_refused=True,
        existing=[IndexModel("at", name="forget", expireAfterSeconds=60)],
    ),
    "a foreign one": Case(_NAME, is_refused=False, existing=[IndexModel("mine", name="mine")]),
    "a recorded one": Case(IndexModel("a", name="a"), is_refused=True, existing=[IndexModel("b", name="unrelayed")]),
    "no definition": Case(IndexModel("a", name="a", partialFilterExpression={"a": {"$ne": 1}}), is_refused=True),
    "values that differ": Case(_NAME, is_refused=False, stored=[{"name": "a"}, {"name": "A"}, {"name": None}]),
    "one value twice": Case(_NAME, is_refused=True, stored=[{"name": "a"}, {"name": "a"}]),
    "none twice": Case(_NAME, is_refused=True, stored=[{"title": "a"}, {"name": None}]),
    "numbers of two kinds": Case(_NAME, is_refused=True, stored=[{"name": 1}, {"name": 1.0}]),
    "one value in two cases": Case(_ANY_CASE, is_refused=True, stored=[{"name": "a"}, {"name": "A"}]),
    "outside of the filter": Case(_SOME, is_refused=False, stored=[{"name": 1}, {"name": 1}, {}, {}]),
    "inside of the filter": Case(_SOME, is_refused=True, stored=[{"name": "a"}, {"name": "a"}]),
    "none where it is sparse": Case(_SPARSE, is_refused=False, stored=[{}, {}, {"name": None}]),
    "null where it is sparse": Case(_SPARSE, is_refused=True, stored=[{"name": None}, {"name": None}]),
    "half of a pair": Case(_BOTH, is_refused=False, stored=[{"log": 1, "seq": 1}, {"log": 1, "seq": 2}, {"log": 2}]),
    "a pair": Case(_BOTH, is_refused=True, stored=[{"log": 1, "seq": 1}, {"log": 1, "seq": 1}]),
    "an item of two lists": Case(
        _ITEMS, is_refused=True, stored=[{"items": [{"id": 1}, {"id": 2}]}, {"items": [{"id": 2}, {"id": 3}]}]
    ),
    "an item of one list": Case(_ITEMS, is_refused=False, stored=[{"items": [{"id": 1}, {"id": 1}]}]),
}


async def _contents(client: AsyncMongoClient[dict[str, Any]], name: str) -> dict[str, object]:
    """Everything in the database that a check could have changed."""
    found: dict[str, object] = {}
    for collection in await client[name].list_collection_names():
        indexes = await client[name][collection].index_information()
        found[collection] = indexes, await client[name][collection].find().to_list()
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_it_finds_what_a_start_finds(case: Case, core_settings: CoreSettings, mongodb_uri: str) -> None:
    """It refuses exactly what the start refuses after it, without showing what is stored."""
    owned = CollectionIndexes("notes", (case.declared,), recorded=True)
    parley = Parley([core_settings], plugins=[a_plugin("notes", parley_indexes=[owned])])
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        notes = client[core_settings.mongodb_database]["notes"]
        if case.existing:
            await notes.create_indexes(case.existing)
        if case.stored:
            await notes.insert_many([dict(document) for document in case.stored])
        before = await _contents(client, core_settings.mongodb_database)
        message = await _refusal_of(parley)
        assert before == await _contents(client, core_settings.mongodb_database)
    assert (message is not None) == case.is_refused
    assert (message or "").startswith("plugin 'notes': an index of collection 'notes' can't be built: " * bool(message))
    with pytest.raises(StartupError) if case.is_refused else nullcontext():
        async with parley.running():
            pass


async def _rehearse(parley: Parley) -> int:
    async with parley.stored() as data:
        return await data.rehearse_indexes()


async def _refusal_of(parley: Parley) -> str | None:
    try:
        await _rehearse(parley)
    except StartupError as error:
        return str(error)
    return None


async def test_it_counts_what_a_start_builds(core_settings: CoreSettings) -> None:
    """Before the first start all are missing, and after it none is."""
    owned = CollectionIndexes("notes", (_NAME, IndexModel("title", name="by_title")))
    parley = Parley([core_settings], plugins=[a_plugin("notes", parley_indexes=[owned])])
    missing = await _rehearse(parley)
    assert missing >= 2
    async with parley.running():
        pass
    assert await _rehearse(parley) == 0
