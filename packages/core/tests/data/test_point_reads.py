"""Coalesced point reads against a real MongoDB whose commands are counted."""

import asyncio
from collections.abc import AsyncIterator

import pymongo
import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import NetworkTimeout, OperationFailure
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from parley_core import Document
from parley_core.data.database import database_of
from parley_core.data.point_reads import PointReader
from parley_core.data.shared_queries import MAX_BATCH
from parley_core.kernel.settings import CoreSettings
from parley_core.testing.metrics import Metrics


class Finds(CommandListener):
    """The ids that each `find` asked for."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "find":
            self.batches.append(event.command["filter"]["_id"]["$in"])

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@pytest.fixture
def finds() -> Finds:
    return Finds()


@pytest.fixture
async def things(core_settings: CoreSettings, finds: Finds) -> AsyncIterator[AsyncCollection[Document]]:
    """A collection of 500 documents."""
    uri = core_settings.mongodb_uri.get_secret_value() if core_settings.mongodb_uri else ""
    async with AsyncMongoClient[Document](uri, event_listeners=[finds], timeoutMS=5000, w="majority") as client:
        collection = database_of(client, core_settings.mongodb_database, event_types={}, recorded=(), invalidations={})[
            "things"
        ]
        await collection.insert_many([{"_id": str(n), "n": n, "secret": "x"} for n in range(500)])
        yield collection


async def read_all(reader: PointReader, ids: list[str]) -> list[Document | BaseException | None]:
    return await asyncio.gather(*(reader.read(i) for i in ids), return_exceptions=True)


async def test_one_turn_is_one_query(things: AsyncCollection[Document], finds: Finds) -> None:
    """Reads of one turn of the loop go out as one query, each id once, and each gets its own document or None."""
    reader = PointReader(things, {"n": True})
    found = await read_all(reader, ["1", "2", "1", "gone"])
    assert found == [{"_id": "1", "n": 1}, {"_id": "2", "n": 2}, {"_id": "1", "n": 1}, None]
    assert [sorted(batch) for batch in finds.batches] == [["1", "2", "gone"]]


async def test_sizes_are_measured(things: AsyncCollection[Document], metrics: Metrics) -> None:
    """A batch counts the reads that share it, those of one id too, by the collection."""
    reader = PointReader(things, {"n": True})
    await read_all(reader, ["1", "2", "1", "gone"])
    await reader.read("3")
    assert metrics.value("parley.reads.batch.size") == 2
    assert metrics.total("parley.reads.batch.size") == 5
    assert metrics.value("parley.reads.batch.size", **{"db.collection.name": "things"}) == 2


async def test_batches_are_bounded(things: AsyncCollection[Document], finds: Finds) -> None:
    """However many ids are wanted, no query asks for more than the bound, and all are answered."""
    reader = PointReader(things, {"n": True})
    found = await read_all(reader, [str(n) for n in range(450)])
    assert [d["n"] for d in found if isinstance(d, dict)] == list(range(450))
    assert [len(batch) for batch in finds.batches] == [MAX_BATCH, MAX_BATCH, 50]


async def test_sees_every_acknowledged_write(things: AsyncCollection[Document]) -> None:
    """A read that is asked for after a write was acknowledged sees it, whatever queries are in flight already."""
    reader = PointReader(things, {"n": True})
    stop = False

    async def noise() -> None:
        while not stop:
            await reader.read("7")

    noises = [asyncio.create_task(noise()) for _ in range(5)]
    for n in range(1000, 1200):
        await things.update_one({"_id": "7"}, {"$set": {"n": n}})
        found = await reader.read("7")
        assert found is not None
        assert found["n"] == n
    stop = True
    await asyncio.gather(*noises)


async def test_cancelled_caller_harms_nobody(things: AsyncCollection[Document], finds: Finds) -> None:
    """The others who share a query get their answers when one of them, be it the first, goes away."""
    reader = PointReader(things, {"n": True})
    first, *others = [asyncio.create_task(reader.read(i)) for i in ("5", "5", "6")]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*others) == [{"_id": "5", "n": 5}, {"_id": "6", "n": 6}]
    assert first.cancelled()
    assert len(finds.batches) == 1


async def test_error_reaches_those_who_waited(things: AsyncCollection[Document]) -> None:
    """A failing query fails each read that shared it, and none after it."""
    reader = PointReader(things, {"n": {"$bad": 1}})
    failed = await read_all(reader, ["1", "2", "3"])
    assert [type(error) for error in failed] == [OperationFailure] * 3
    reader._source.projection = {"n": True}  # noqa: SLF001 - the cause of the failure is gone
    assert await reader.read("1") == {"_id": "1", "n": 1}


_SLOW = {"$function": {"body": "function() { sleep(600); return 1; }", "args": [], "lang": "js"}}


async def test_beside_a_slow_query(things: AsyncCollection[Document], finds: Finds) -> None:
    """A query that hangs keeps later reads waiting for a moment only, and these share theirs as ever."""
    reader = PointReader(things, {"slow": {"$cond": [{"$eq": ["$_id", "1"]}, _SLOW, 0]}})
    slow = asyncio.create_task(reader.read("1"))
    while not finds.batches:  # noqa: ASYNC110 - the driver doesn't tell when it sends
        await asyncio.sleep(0.001)
    assert await read_all(reader, ["2", "3"]) == [{"_id": "2", "slow": 0}, {"_id": "3", "slow": 0}]
    assert not slow.done()
    assert await slow == {"_id": "1", "slow": 1}
    assert await reader.read("4") == {"_id": "4", "slow": 0}
    assert [sorted(batch) for batch in finds.batches] == [["1"], ["2", "3"], ["4"]]


async def test_many_slow_queries(things: AsyncCollection[Document], finds: Finds) -> None:
    """Where all queries hang, no more than three are under way at once, and every read is answered in the end."""
    reader = PointReader(things, {"slow": _SLOW})
    reads = []
    for n in range(5):
        reads.append(asyncio.create_task(reader.read(str(n))))
        await asyncio.sleep(0.09)
    assert len(finds.batches) == 3
    assert await asyncio.gather(*reads) == [{"_id": str(n), "slow": 1} for n in range(5)]
    assert [sorted(batch) for batch in finds.batches] == [["0"], ["1"], ["2"], ["3", "4"]]


async def test_callers_time(things: AsyncCollection[Document]) -> None:
    """A caller's own time ends that caller's wait alone; the shared query has its own, even for who began it."""
    slow = {"$function": {"body": "function() { sleep(500); return 1; }", "args": [], "lang": "js"}}
    reader = PointReader(things, {"slow": slow})

    async def hurried() -> Document | None:
        with pymongo.timeout(0.1):
            return await reader.read("1")

    answers = await asyncio.gather(hurried(), reader.read("1"), return_exceptions=True)
    assert isinstance(answers[0], NetworkTimeout)
    assert answers[1] == {"_id": "1", "slow": 1}


async def test_no_time_left(things: AsyncCollection[Document], finds: Finds) -> None:
    """Whoever has no time left fails without a query."""
    with pymongo.timeout(0.01):
        await asyncio.sleep(0.02)
        with pytest.raises(NetworkTimeout):
            await PointReader(things, {"n": True}).read("1")
    assert finds.batches == []


async def test_projection_of_each_query(things: AsyncCollection[Document], finds: Finds) -> None:
    """A projection that is a function is asked when a query is sent, with all who wait for it waiting."""
    wanted: set[str] = set()
    reader = PointReader(things, lambda: dict.fromkeys({"n", *wanted}, True))

    async def read(place: str) -> Document | None:
        wanted.add(place)
        return await reader.read("1")

    assert await reader.read("1") == {"_id": "1", "n": 1}
    found = list(await asyncio.gather(reader.read("1"), read("secret")))
    assert found == [{"_id": "1", "n": 1, "secret": "x"}] * 2
    assert len(finds.batches) == 2
