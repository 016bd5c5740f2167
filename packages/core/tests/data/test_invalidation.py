"""Recorded writes advance generations: after the write, before the answer; the relay does it where that failed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.errors import NetworkTimeout, OperationFailure

from parley_core import (
    Actor,
    CollectionIndexes,
    Event,
    EventType,
    Expression,
    Invalidation,
    Parley,
    hookimpl,
    in_transaction,
)
from parley_core.data.invalidation import Generations
from parley_core.data.publication import publishing
from parley_core.data.recorded import insert_all_recorded, insert_recorded, record
from parley_core.data.unrelayed import Unit
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay

CHANGED = EventType("thing.changed", "It changed.")
OTHER = EventType("thing.touched", "It was touched, which nothing shows.")


class Things:
    """A plugin whose events invalidate one key for each of their audience."""

    @hookimpl
    def parley_events(self) -> list[EventType]:
        return [CHANGED, OTHER]

    @hookimpl
    def parley_indexes(self) -> list[CollectionIndexes]:
        return [CollectionIndexes("things", (), recorded=True)]

    @hookimpl
    def parley_cache_invalidations(self) -> list[Invalidation]:
        return [Invalidation(on=CHANGED.name, keys=_keys)]


def _keys(event: Mapping[str, Any]) -> list[str]:
    return [f"things:{user}" for user in event["audience"]]


def an_event(kind: EventType = CHANGED, audience: object = ("ada",)) -> Event:
    return Event(type=kind, at=datetime(2027, 3, 1, tzinfo=UTC), actor=Actor(None, "system", "test"), audience=audience)


@pytest.fixture
async def parley(core_settings: CoreSettings) -> AsyncIterator[Parley]:
    async with Parley([core_settings], plugins=[Things()]).running() as parley:
        yield parley


@pytest.fixture
def generations(parley: Parley) -> Generations:
    return parley.require(Generations)


async def test_first_insert(parley: Parley, generations: Generations) -> None:
    """A new document's event advances what it invalidates, and nothing else."""
    assert await generations.current("things:ada") == 0
    await insert_recorded(parley.database["things"], {"_id": "1"}, an_event())
    assert (await generations.current("things:ada"), await generations.current("things:bob")) == (1, 0)


async def test_change(parley: Parley, generations: Generations) -> None:
    """A change advances what its event invalidates, by the audience that MongoDB found; no change advances nothing."""
    things = parley.database["things"]
    await insert_recorded(things, {"_id": "1", "members": ["ada", "bob"]}, an_event(audience=()))
    found = await record(things, {"_id": "1"}, {"n": 1}, an_event(audience=Expression("$members")))
    assert found == {"_id": "1", "members": ["ada", "bob"], "n": 1, "rev": 2}
    assert await record(things, {"_id": "1", "n": 7}, {"n": 2}, an_event()) is None
    await record(things, {"_id": "1"}, {"n": 3}, an_event(OTHER))
    assert [await generations.current(f"things:{user}") for user in ("ada", "bob")] == [1, 1]


async def test_transaction(parley: Parley, generations: Generations) -> None:
    """In a transaction generations advance after the commit, so that no reader stores old data under a new one."""
    things, seen = parley.database["things"], []
    await insert_recorded(things, {"_id": "1"}, an_event(audience=()))

    async def work(session: Any) -> None:
        await record(things, {"_id": "1"}, {"n": 1}, an_event(), session=session)
        seen.append(await generations.current("things:ada"))

    await in_transaction(parley.client, work)
    assert (seen, await generations.current("things:ada")) == ([0], 1)


async def test_own_session(parley: Parley, generations: Generations) -> None:
    """In a transaction that the caller manages, the generation advances with the commit, or not at all."""
    things = parley.database["things"]
    async with parley.client.start_session() as session, await session.start_transaction():
        await insert_recorded(things, {"_id": "1"}, an_event(), session=session)
        assert await generations.current("things:ada") == 0
    assert await generations.current("things:ada") == 1


async def test_several(parley: Parley, generations: Generations) -> None:
    """Several documents of one transaction advance each generation once, whoever manages the transaction."""
    things, seen = parley.database["things"], []

    async def insert(session: Any, *keys: str) -> None:
        await insert_all_recorded(things, [({"_id": key}, an_event()) for key in keys], session=session)
        seen.append(await generations.current("things:ada"))

    await in_transaction(parley.client, lambda session: insert(session, "1", "2", "3"))
    assert (seen, await generations.current("things:ada")) == ([0], 1)
    async with parley.client.start_session() as session, await session.start_transaction():
        await insert(session, "4", "5")
    assert (seen, await generations.current("things:ada")) == ([0, 1], 2)


async def test_without_answer(parley: Parley, generations: Generations) -> None:
    """A write that landed without an answer advances what it invalidates through the relay."""
    things = parley.database["things"]
    await insert_recorded(things, {"_id": "1"}, an_event(audience=()))

    async def lost() -> None:
        async with publishing(parley.database, Unit("things", "1"), None):
            entry = {"rev": 2, "type": CHANGED.name, "at": datetime(2027, 3, 1, tzinfo=UTC), "audience": ["eve"]}
            await things.update_one({"_id": "1"}, {"$push": {"history": entry}, "$inc": {"rev": 1}})
            raise NetworkTimeout("the answer was lost")

    with pytest.raises(NetworkTimeout):
        await lost()
    await parley.require(Relay).drain()
    assert await generations.current("things:eve") == 1


async def test_refused(parley: Parley, generations: Generations) -> None:
    """A write that MongoDB refused advances nothing, and leaves nothing to the relay."""
    with pytest.raises(OperationFailure):
        async with publishing(parley.database, Unit("things", "1"), None):
            raise OperationFailure("refused", 121)
    assert (await generations.current("things:ada"), parley.database.unrelayed.noted()) == (0, {})


async def test_counters_away(parley: Parley, generations: Generations, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write whose counters couldn't be advanced fails, and the relay advances them."""
    with monkeypatch.context() as broken:
        broken.setattr(parley.database, "generations", _Broken())
        with pytest.raises(NetworkTimeout):
            await insert_recorded(parley.database["things"], {"_id": "1"}, an_event())
    assert await generations.current("things:ada") == 0
    await parley.require(Relay).drain()
    assert await generations.current("things:ada") == 1


class _Broken:
    """Counters whose database doesn't answer."""

    def invalidated_by(self, _entries: object) -> set[str]:
        return {"things:ada"}

    async def advance(self, _keys: object) -> None:
        raise NetworkTimeout("away")


async def test_together(parley: Parley, generations: Generations) -> None:
    """Counters that many writers advance at once grow for each key, in fewer writes than there are writers."""
    await asyncio.gather(*(generations.advance({"all", f"{n}"}) for n in range(50)))
    assert [await generations.current(f"{n}") for n in range(50)] == [1] * 50
    assert 1 <= await generations.current("all") <= 2
    assert await generations.current("none") == 0


async def test_cancelled_after_the_write(parley: Parley, generations: Generations) -> None:
    """A caller who is cancelled once the write has landed leaves no old generation behind."""
    things = parley.database["things"]
    for n in range(30):
        task = asyncio.create_task(insert_recorded(things, {"_id": f"{n}"}, an_event(audience=(f"user {n}",))))
        await asyncio.sleep(n * 0.0002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await parley.require(Relay).drain()
    landed = [document["_id"] async for document in things.find()]
    assert landed
    assert [n for n in landed if await generations.current(f"things:user {n}") == 0] == []
