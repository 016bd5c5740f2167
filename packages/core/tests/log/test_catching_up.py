"""Catching up: whatever waits for the relay is published now, each entry once, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from parley_core import (
    Actor,
    CollectionIndexes,
    Document,
    Event,
    EventType,
    Invalidation,
    Parley,
    Session,
    emit,
    in_transaction,
    insert_recorded,
)
from parley_core.data.deadline import time_limit
from parley_core.data.invalidation import Generations
from parley_core.kernel.settings import CoreSettings
from parley_core.log import relay
from parley_core.log.catching_up import CatchUp
from parley_core.log.relay import Relay
from parley_core.testing import NOON, a_plugin

CHANGED = EventType("note.changed", "Somebody changed a note.")
SENT = EventType("letter.sent", "Somebody sent a letter.")
READ = EventType("note.read", "Somebody read a note, which nothing shows.")


def an_event(*audience: str, kind: EventType = CHANGED) -> Event:
    return Event(type=kind, at=NOON, actor=Actor(None, "system", "test"), audience=audience)


def _keys(event: Mapping[str, Any]) -> list[str]:
    if "eve" in event["audience"]:
        raise LookupError("a rule that fails")
    return [f"{event['kind']} {event['subject_id']} of {user}" for user in event["audience"]]


@pytest.fixture
async def workers(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Parley]]:
    """Two running applications on one database, whose relays leave each other's entries where they are."""
    monkeypatch.setattr(relay, "_LOOK_SECONDS", 600)
    plugin = a_plugin(
        "notes",
        parley_events=[CHANGED, SENT, READ],
        parley_indexes=[CollectionIndexes(name, (), recorded=True) for name in ("notes", "others")],
        parley_cache_invalidations=[Invalidation(on=kind.name, keys=_keys) for kind in (CHANGED, SENT)],
    )
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Parley([core_settings], plugins=[plugin]).running()) for _ in range(2)]


async def left_lying(parley: Parley, document: Document, *events: Document) -> None:
    """Store a document as a worker leaves it that was killed between its writes and their publication."""
    history = [
        {"rev": rev, "type": CHANGED.name, "at": NOON, "audience": [], **event} for rev, event in enumerate(events, 1)
    ]
    await parley.database["notes"].insert_one({"rev": len(history), "history": history, **document})


async def generations_of(parley: Parley, *keys: str) -> list[int]:
    return [await parley.require(Generations).current(key) for key in keys]


async def test_left_lying(workers: list[Parley]) -> None:
    """Every entry that waits is published, of every document, whatever fields that has, and whoever wrote it."""
    await left_lying(workers[0], {"_id": "1", "subject": "note:2", "kind": "letter"}, {"audience": ["ada"]})
    await left_lying(workers[0], {"_id": "2"}, {"audience": ["ada"]}, {"audience": ["ben"]})
    await workers[1].require(CatchUp).run()
    keys = ("note 1 of ada", "note 2 of ada", "note 2 of ben", "note 1 of ben")
    assert await generations_of(workers[1], *keys) == [1, 1, 1, 0]


async def test_once(workers: list[Parley]) -> None:
    """What this process has published is published once, however often it catches up."""
    await left_lying(workers[0], {"_id": "1"}, {"audience": ["ada"]})
    await insert_recorded(workers[1].database["others"], {"_id": "2"}, an_event("ben"))
    for _ in range(3):
        await workers[1].require(CatchUp).run()
    assert await generations_of(workers[1], "note 1 of ada", "note 2 of ben") == [1, 1]


async def test_nothing_waits(workers: list[Parley]) -> None:
    """What is in the log isn't published again, and what no rule names isn't looked at."""
    notes = workers[0].database["notes"]
    await insert_recorded(notes, {"_id": "1"}, an_event("ada"))
    await workers[0].require(Relay).drain()
    await left_lying(workers[0], {"_id": "2"}, {"type": READ.name, "audience": ["ada"]})
    await workers[1].require(CatchUp).run()
    assert await generations_of(workers[1], "note 1 of ada", "note 2 of ada") == [1, 0]


async def test_emitted(workers: list[Parley]) -> None:
    """An emitted event, which waits in the outbox, is published like a recorded one."""

    async def work(session: Session) -> None:
        events = {1: an_event("ada", kind=SENT)}
        await emit(workers[0].database, kind="letter", subject_id="1", events=events, session=session)

    await in_transaction(workers[0].client, work)
    assert await generations_of(workers[1], "letter 1 of ada") == [1]
    await workers[1].require(CatchUp).run()
    assert await generations_of(workers[1], "letter 1 of ada") == [2]


async def test_failing_rule(workers: list[Parley], caplog: pytest.LogCaptureFixture) -> None:
    """An event whose rule fails is reported, and keeps no other one from being published."""
    await left_lying(workers[0], {"_id": "1"}, {"audience": ["eve"]}, {"audience": ["ada"]})
    await workers[1].require(CatchUp).run()
    assert await generations_of(workers[1], "note 1 of ada") == [1]
    assert "an invalidation rule failed for event note:1:1 (note.changed)" in caplog.text


async def test_malformed(workers: list[Parley]) -> None:
    """An entry that isn't one keeps no other one from being published."""
    entries = [{"rev": 1}, {"type": CHANGED.name}, {"rev": 3, "type": CHANGED.name, "audience": ["ada"]}]
    await workers[0].database["notes"].insert_one({"_id": "1", "rev": 3, "history": entries})
    await workers[1].require(CatchUp).run()
    assert await generations_of(workers[1], "note 1 of ada") == [1]


async def test_no_time_left(workers: list[Parley]) -> None:
    """A request whose time is over, since it has waited for something else, catches up nevertheless."""
    await left_lying(workers[0], {"_id": "1"}, {"audience": ["ada"]})
    with time_limit(0.01):
        await asyncio.sleep(0.02)
        await workers[1].require(CatchUp).run()
    assert await generations_of(workers[1], "note 1 of ada") == [1]


async def test_no_rules(core_settings: CoreSettings) -> None:
    """An application that caches nothing has nothing to publish."""
    async with Parley([core_settings], plugins=[a_plugin("notes", parley_events=[CHANGED])]).running() as parley:
        await parley.require(CatchUp).run()


async def test_by_an_index(workers: list[Parley]) -> None:
    """What waits is found by an index, however many documents there are in which nothing does."""
    notes = workers[0].database["notes"]
    await notes.insert_many({"_id": f"old {n}", "rev": 1, "history": []} for n in range(500))
    await left_lying(workers[0], {"_id": "1"}, {"audience": ["ada"]})
    await workers[0].database.command("profile", 2)
    await workers[1].require(CatchUp).run()
    await workers[0].database.command("profile", 0)
    [seen] = await workers[0].database["system.profile"].find({"op": "command", "command.aggregate": "notes"}).to_list()
    assert (seen["docsExamined"], "COLLSCAN" in seen["planSummary"]) == (1, False)
