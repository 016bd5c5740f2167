"""Grouped writes: many share a command, each has its own outcome, and none creates a document."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, NetworkTimeout

from parley_core import (
    Actor,
    CollectionIndexes,
    Document,
    Event,
    EventType,
    Expression,
    Invalidation,
    Parley,
    insert_recorded,
    record_at,
)
from parley_core.data.deadline import time_limit
from parley_core.data.invalidation import Generations
from parley_core.data.unrelayed import Unit
from parley_core.errors import Unavailable
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import NOON, a_plugin
from parley_core.testing.metrics import Metrics

CREATED = EventType("note.created", "Somebody wrote a note.")
CHANGED = EventType("note.changed", "Somebody changed a note.")
MANY = 40
GROUPS = "parley.writes.group.size"


def an_event(type_: EventType = CHANGED, **options: Any) -> Event:
    return Event(type=type_, at=NOON, actor=Actor("ada", "admin", "trace-7"), **options)


@pytest.fixture
async def parley(core_settings: CoreSettings) -> AsyncIterator[Parley]:
    plugin = a_plugin(
        "notes",
        parley_events=[CREATED, CHANGED],
        parley_indexes=[CollectionIndexes("notes", (), recorded=True)],
        parley_cache_invalidations=[Invalidation(on=CHANGED.name, keys=lambda event: event["audience"])],
    )
    async with Parley([core_settings], plugins=[plugin]).running() as parley:
        yield parley


@pytest.fixture
async def notes(parley: Parley) -> AsyncCollection[Document]:
    """A collection with many notes at revision 1."""
    collection = parley.database["notes"]
    for number in range(MANY):
        await insert_recorded(collection, {"_id": str(number), "title": "First", "tags": ["a"]}, an_event(CREATED))
    return collection


async def change(
    notes: AsyncCollection[Document], key: str = "0", rev: int = 1, where: Mapping[str, Any] | None = None
) -> bool:
    return await record_at(notes, key, rev, {"title": f"${key}"}, an_event(audience=(key,)), where=where or {})


async def test_change(parley: Parley, notes: AsyncCollection[Document]) -> None:
    """State, revision and history change together; values are literal, and what the event invalidates is invalid."""
    event = an_event(changes={"title": ("First", "$tags")}, audience=("eve",))
    assert await record_at(notes, "0", 1, {"title": "$tags"}, event, where={"tags": "a"}, appended={"tags": "$title"})
    found = await notes.find_one({"_id": "0"}, {"history": {"$slice": -1}})
    assert found is not None
    assert (found["title"], found["tags"], found["rev"]) == ("$tags", ["a", "$title"], 2)
    [entry] = found["history"]
    assert (entry["rev"], entry["type"], entry["audience"], entry["changes"]) == (
        2,
        "note.changed",
        ["eve"],
        {"title": {"from": "First", "to": "$tags"}},
    )
    assert await parley.require(Generations).current("eve") == 1


@pytest.mark.parametrize(
    ("key", "rev", "where"),
    [
        pytest.param("0", 2, {}, id="another-revision"),
        pytest.param("0", 1, {"title": "Other"}, id="unmet-condition"),
        pytest.param("0", 1, {"tags": {"$ne": "a"}}, id="unmet-exclusion"),
        pytest.param("unknown", 1, {}, id="no-document"),
        pytest.param("unknown", 1, {"title": "First"}, id="no-document-with-a-value"),
    ],
)
async def test_unmet(
    parley: Parley, notes: AsyncCollection[Document], key: str, rev: int, where: Mapping[str, Any]
) -> None:
    """What doesn't meet the condition stays as it is, and nothing is created or invalidated."""
    before = await notes.find({}, {"history": False}).sort("_id").to_list()
    assert not await change(notes, key, rev, where)
    assert await notes.find({}, {"history": False}).sort("_id").to_list() == before
    assert await parley.require(Generations).current(key) == 0


async def test_together(notes: AsyncCollection[Document], metrics: Metrics) -> None:
    """Those that come while a command is under way share the next one, and each learns what became of its own."""
    keys = [str(number % MANY) for number in range(2 * MANY)]
    done = await asyncio.gather(*(change(notes, key) for key in keys))
    # One of two writers of each document was first.
    assert Counter(key for key, is_done in zip(keys, done, strict=True) if is_done) == Counter(map(str, range(MANY)))
    assert metrics.value(GROUPS) == 1
    assert {d["rev"] async for d in notes.find({})} == {2}


async def test_one_refused_by_mongodb(notes: AsyncCollection[Document]) -> None:
    """What MongoDB refuses of one statement is the error of that one alone."""
    bad = record_at(notes, "1", 1, {"title.x": 1}, an_event(), where={})
    first, refused, last = await asyncio.gather(change(notes, "0"), bad, change(notes, "2"), return_exceptions=True)
    assert (first, last) == (True, True)
    assert isinstance(refused, BulkWriteError)


@pytest.mark.parametrize(
    ("error", "answered"),
    [
        pytest.param(NetworkTimeout("lost"), NetworkTimeout, id="no-answer"),
        pytest.param(BulkWriteError({"writeConcernErrors": [{}], "writeErrors": []}), Unavailable, id="not-replicated"),
    ],
)
async def test_unknown_outcome(
    parley: Parley,
    notes: AsyncCollection[Document],
    error: Exception,
    answered: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where it isn't known whether a command was done, nobody is told that theirs was, and nothing is repeated."""
    sent: list[int] = []

    async def lost(_collection: object, updates: list[UpdateOne], **_options: Any) -> None:
        sent.append(len(updates))
        raise error

    monkeypatch.setattr(AsyncCollection, "bulk_write", lost)
    found = await asyncio.gather(*(change(notes, str(number)) for number in range(3)), return_exceptions=True)
    assert ([type(one) for one in found], sum(sent)) == ([answered] * 3, 3)
    noted = parley.database.unrelayed.noted()
    assert all(noted[Unit("notes", str(number))].takes_all for number in range(3))


async def test_deadline(parley: Parley, notes: AsyncCollection[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no time left doesn't wait for the others' command, and leaves the rest to the relay."""

    async def slow(*_arguments: Any, **_options: Any) -> None:
        await asyncio.sleep(0.5)

    monkeypatch.setattr(AsyncCollection, "bulk_write", slow)
    with time_limit(0.05), pytest.raises(Unavailable):
        await change(notes, "7")
    assert parley.database.unrelayed.noted()[Unit("notes", "7")].takes_all


async def test_audience_that_depends_on_the_document(notes: AsyncCollection[Document]) -> None:
    """Who writes at a revision knows whom it concerns."""
    with pytest.raises(TypeError, match="must be ids"):
        await record_at(notes, "0", 1, {}, an_event(audience=Expression("$tags")), where={})


async def test_locked_document(parley: Parley, notes: AsyncCollection[Document]) -> None:
    """Who waits for a document that a transaction has locked holds up nobody who changes another one."""
    async with parley.client.start_session() as session, await session.start_transaction():
        await notes.update_one({"_id": "0"}, {"$set": {"locked": True}}, session=session)
        waiting = [asyncio.create_task(change(notes, "0")), asyncio.create_task(change(notes, "0"))]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            assert await asyncio.gather(*(change(notes, str(number)) for number in range(1, MANY))) == [True] * 39
        assert not any(task.done() for task in waiting)
        await session.abort_transaction()
    assert sorted(await asyncio.gather(*waiting)) == [False, True]
