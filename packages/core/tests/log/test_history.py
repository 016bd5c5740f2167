"""The history of a document: complete at every moment, though the relay moves its entries meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from parley_core import Actor, CollectionIndexes, Event, EventType, History, Parley, insert_recorded, record
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import NOON, a_plugin

CHANGED = EventType("note.changed", "Somebody changed a note.")
SIGNED = EventType("note.signed", "Somebody signed a note.")


def an_event(number: int, type_: EventType = CHANGED) -> Event:
    return Event(type=type_, at=NOON, actor=Actor("ada", "admin", "trace-7"), changes={"n": (number - 1, number)})


@pytest.fixture
async def parley(core_settings: CoreSettings) -> AsyncIterator[Parley]:
    indexes = [CollectionIndexes("notes", (), recorded=True)]
    plugin = a_plugin("notes", parley_events=[CHANGED, SIGNED], parley_indexes=indexes)
    async with Parley([core_settings], plugins=[plugin]).running() as parley:
        await insert_recorded(parley.database["notes"], {"_id": "n"}, an_event(1))
        yield parley


@pytest.fixture
def history(parley: Parley) -> History:
    return History(parley.database, "notes", kind="note")


async def change(parley: Parley, first: int, last: int) -> None:
    for number in range(first, last + 1):
        await record(parley.database["notes"], {"_id": "n"}, {"n": number}, an_event(number))


async def test_both_places(parley: Parley, history: History) -> None:
    """A page consists of what is in the log and of what still waits in the document."""
    await change(parley, 2, 7)
    await parley.require(Relay).drain()
    await change(parley, 8, 10)
    for offset in range(12):
        entries, total = await history.page("n", limit=4, offset=offset)
        assert ([entry.rev for entry in entries], total) == ([*range(offset + 1, min(offset + 4, 10) + 1)], 10)
    assert await history.page("m", limit=4, offset=0) == ([], 0)


async def test_while_the_relay_works(parley: Parley, history: History) -> None:
    """Whoever reads while others write and the relay moves entries misses none."""
    writing = asyncio.create_task(change(parley, 2, 150))
    while not writing.done():
        entries, total = await history.page("n", limit=1000, offset=0)
        assert [entry.rev for entry in entries] == list(range(1, total + 1))
    await writing
    entries, _ = await history.page("n", limit=1000, offset=0)
    assert [entry.changes["n"]["to"] for entry in entries] == list(range(1, 151))


class TestOfTypes:
    async def sign(self, parley: Parley, number: int) -> None:
        await record(parley.database["notes"], {"_id": "n"}, {"n": number}, an_event(number, SIGNED))

    async def test_both_places(self, parley: Parley, history: History) -> None:
        """Entries of the wanted types are found in the log and in the document, up to a revision, oldest first."""
        await self.sign(parley, 2)
        await change(parley, 3, 3)
        await parley.require(Relay).drain()
        await self.sign(parley, 4)
        await change(parley, 5, 5)
        await self.sign(parley, 6)
        for until, expected in ((9, [2, 4, 6]), (5, [2, 4]), (3, [2]), (1, [])):
            found = await history.of_types("n", {SIGNED.name}, until=until)
            assert [entry.rev for entry in found] == expected
            assert {entry.type for entry in found} <= {SIGNED.name}
        assert len(await history.of_types("n", {SIGNED.name, CHANGED.name}, until=9)) == 6
        assert await history.of_types("m", {SIGNED.name}, until=9) == []

    async def test_while_the_relay_works(self, parley: Parley, history: History) -> None:
        """None is missed while the relay moves entries from the document into the log."""

        async def write() -> None:
            for number in range(2, 102, 2):
                await self.sign(parley, number)
                await change(parley, number + 1, number + 1)

        writing = asyncio.create_task(write())
        while not writing.done():
            rev = (await parley.database["notes"].find_one({"_id": "n"}) or {})["rev"]
            found = await history.of_types("n", {SIGNED.name}, until=rev)
            assert [entry.rev for entry in found] == list(range(2, rev + 1, 2))
        await writing
