"""Reads that a request begins before it needs them, against a real MongoDB."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import NetworkTimeout, OperationFailure
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from parley_core import Database, Document
from parley_core.data.database import database_of
from parley_core.data.deadline import time_limit
from parley_core.data.point_reads import PointReader
from parley_core.data.turns import Turn
from parley_core.kernel.settings import CoreSettings
from parley_core.testing.metrics import Metrics

SIZES = "parley.reads.batch.size"
SLOW = {"$function": {"body": "function() { sleep(300); return 1; }", "args": [], "lang": "js"}}


class Commands(CommandListener):
    """The names of the commands that were sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
async def database(core_settings: CoreSettings, commands: Commands) -> AsyncIterator[Database]:
    """A database with two collections of one document each."""
    uri = core_settings.mongodb_uri.get_secret_value() if core_settings.mongodb_uri else ""
    async with AsyncMongoClient[Document](uri, event_listeners=[commands], timeoutMS=5000, w="majority") as client:
        found = database_of(client, core_settings.mongodb_database, event_types={}, recorded=(), invalidations={})
        for name in ("things", "others"):
            await found[name].insert_one({"_id": "1", "n": 1})
        yield found


@pytest.fixture
async def reports() -> AsyncIterator[list[dict[str, Any]]]:
    """What the event loop reports that nobody caught."""
    found: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: found.append(context))
    yield found
    loop.set_exception_handler(None)


def queries(metrics: Metrics) -> float:
    return metrics.value(SIZES) or 0


class TestBegun:
    async def test_answers_the_next_read_alone(self, database: Database, metrics: Metrics) -> None:
        """A read that was begun is sent once and answers one read; whoever reads again sees what was written since."""
        reader = PointReader(database["things"], {"n": True})
        with Turn():
            reader.begin("1")
            reader.begin("1")
            assert await reader.read("1") == {"_id": "1", "n": 1}
            assert queries(metrics) == 1
            await database["things"].update_one({"_id": "1"}, {"$set": {"n": 2}})
            assert await reader.read("1") == {"_id": "1", "n": 2}

    async def test_ends_with_its_turn(self, database: Database) -> None:
        """What was begun in a turn answers nobody after it, however soon they ask."""
        reader = PointReader(database["things"], {"n": True})
        with Turn() as turn:
            reader.begin("1")
            await turn.answered()
        await database["things"].update_one({"_id": "1"}, {"$set": {"n": 2}})
        with Turn():
            assert await reader.read("1") == {"_id": "1", "n": 2}
        assert await reader.read("1") == {"_id": "1", "n": 2}

    async def test_nothing_outside_of_a_turn(self, database: Database, metrics: Metrics) -> None:
        """Without a turn that would keep the answer nothing is sent."""
        reader = PointReader(database["things"], {"n": True})
        reader.begin("1")
        await asyncio.sleep(0.05)
        assert queries(metrics) == 0

    async def test_another_document(self, database: Database) -> None:
        """Only the document that was begun is there: another id, or another collection, has a read of its own."""
        things, others = PointReader(database["things"], {"n": True}), PointReader(database["others"], {"_id": True})
        with Turn():
            things.begin("1")
            assert await others.read("1") == {"_id": "1"}
            assert await things.read("2") is None
            assert await things.read("1") == {"_id": "1", "n": 1}


class TestWaiting:
    async def test_for_all_at_once(self, database: Database) -> None:
        """The first read waits for all that was begun, so that the others are there without waiting."""
        things, slow = PointReader(database["things"], {"n": True}), PointReader(database["others"], {"n": SLOW})
        with Turn():
            things.begin("1")
            slow.begin("1")
            assert await things.read("1") == {"_id": "1", "n": 1}
            second = asyncio.ensure_future(slow.read("1"))
            await asyncio.sleep(0)
            assert second.done()

    async def test_several_of_one_turn(self, database: Database) -> None:
        """Tasks of one request may wait beside each other."""
        readers = [PointReader(database[name], {"n": True}) for name in ("things", "others")]
        with Turn():
            for reader in readers:
                reader.begin("1")
            assert await asyncio.gather(*(reader.read("1") for reader in readers)) == [{"_id": "1", "n": 1}] * 2

    async def test_of_several_collections(self, database: Database, commands: Commands) -> None:
        """What a turn begins in several collections is one command, those included that don't exist yet."""
        names = ("nowhere", "things", "nothing", "others")
        readers = [PointReader(database[name], {"n": True}) for name in names]
        readers.append(PointReader(database["others"], {"_id": True}))
        with Turn():
            for reader in readers:
                reader.begin("1")
            found = [await reader.read("1") for reader in readers]
        assert found == [None, {"_id": "1", "n": 1}, None, {"_id": "1", "n": 1}, {"_id": "1"}]
        assert commands.names == ["insert", "insert", "aggregate"]

    async def test_callers_time(self, database: Database) -> None:
        """The caller's own time ends the wait, also for what was begun when there was some left."""
        reader = PointReader(database["things"], {"n": SLOW})
        with Turn(), time_limit(0.05):
            reader.begin("1")
            with pytest.raises(NetworkTimeout):
                await reader.read("1")
            reader.begin("2")
            with pytest.raises(NetworkTimeout):
                await reader.read("2")


class TestFailures:
    async def test_belong_to_who_asks(self, database: Database) -> None:
        """A failed read raises for who asks for its document, and leaves what was begun with it alone."""
        broken, things = PointReader(database["others"], {"n": {"$bad": 1}}), PointReader(database["things"], {"n": 1})
        with Turn():
            broken.begin("1")
            things.begin("1")
            assert await things.read("1") == {"_id": "1", "n": 1}
            with pytest.raises(OperationFailure):
                await broken.read("1")

    async def test_of_what_nobody_needs(self, database: Database, reports: list[dict[str, Any]]) -> None:
        """Nothing is reported of a failed read that was begun for nothing, as a lost future would be."""
        broken = PointReader(database["others"], {"n": {"$bad": 1}})
        with Turn() as turn:
            broken.begin("1")
            await turn.answered()
        del turn
        gc.collect()
        assert reports == []
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lost.set_exception(ValueError())
        del lost
        gc.collect()
        assert len(reports) == 1
