"""Whoever watches the database can leave core's bookkeeping out, and misses nothing else."""

from typing import Any

from parley_core import (
    Actor,
    CollectionIndexes,
    Event,
    EventType,
    Parley,
    Session,
    emit,
    in_transaction,
    insert_recorded,
    plugin,
    record,
)
from parley_core.kernel.settings import CoreSettings
from parley_core.log import bookkeeping
from parley_core.log.relay import Relay
from parley_core.testing import NOON, a_plugin

CHANGED = EventType("note.changed", "Somebody changed a note.")
EVENT = Event(type=CHANGED, at=NOON, actor=Actor("ada", "admin", "trace-7"))
NOTES = a_plugin("notes", parley_events=[CHANGED], parley_indexes=[CollectionIndexes("notes", (), recorded=True)])


def test_every_collection_of_core() -> None:
    """Each collection that core declares is known as its own."""
    assert {owned.collection for owned in plugin.parley_indexes()} == set(bookkeeping.COLLECTIONS)


async def write(parley: Parley) -> None:
    """Insert, change and emit; bring it all into the log, and insert a last note."""
    notes = parley.database["notes"]
    await insert_recorded(notes, {"_id": "n", "text": "x" * 500}, EVENT)
    await record(notes, {"_id": "n"}, {"n": 1}, EVENT)

    async def work(session: Session) -> None:
        await emit(parley.database, kind="letter", subject_id="l", events={1: EVENT}, session=session)

    await in_transaction(parley.client, work)
    await parley.database.generations.advance(["notes"])
    await parley.require(Relay).drain()
    await notes.insert_one({"_id": "last"})


async def seen(parley: Parley, pipeline: list[Any]) -> list[tuple[str, str, str, bool]]:
    """Return what a change stream reports: collection, operation, document, and whether `rev` has changed."""
    found: list[tuple[str, str, str, bool]] = []
    async with await parley.database.watch(pipeline) as stream:
        await write(parley)
        while not found or found[-1][2] != "last":
            if change := await stream.try_next():
                has_rev = "rev" in change.get("updateDescription", {}).get("updatedFields", {})
                place = change["ns"]["coll"], change["operationType"], change["documentKey"]["_id"]
                found.append((*place, has_rev))
    return found


async def test_excluded(core_settings: CoreSettings) -> None:
    """A change stream without the bookkeeping reports recorded writes, and nothing of what the relay does."""
    async with Parley([core_settings], plugins=[NOTES]).running() as parley:
        assert await seen(parley, [{"$match": bookkeeping.EXCLUDED}]) == [
            ("notes", "insert", "n", False),
            ("notes", "update", "n", True),
            ("notes", "insert", "last", False),
        ]


async def test_not_excluded(core_settings: CoreSettings) -> None:
    """Without that condition the same writes are reported with all the bookkeeping that they cause."""
    async with Parley([core_settings], plugins=[NOTES]).running() as parley:
        found = await seen(parley, [])
    assert {"outbox", "events", "events_fence", "cache_generations"} < {collection for collection, *_ in found}
    assert ("notes", "update", "n", False) in found
