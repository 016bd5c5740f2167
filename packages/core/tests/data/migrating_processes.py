"""Processes that start on older data, to be run as a script: `start NUMBER` at once, or `kill NUMBER` of them.

They are forked from this one, which has no threads, because a new Python takes a second to import everything. What
`kill` prints is the data that each start leaves behind after one that was killed in another moment.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from pymongo import IndexModel, MongoClient, monitoring

from parley_core import CollectionIndexes, Migration, Parley
from parley_core.data import migrating, migration_runner, migration_steps
from parley_core.data.migration_steps import backfilled, dropped_index
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin

if TYPE_CHECKING:
    from parley_core import Database

COUNT = 30
WRITES = {"insert", "update", "findAndModify", "createIndexes", "dropIndexes"}
COLLECTIONS = {"notes", "boxes", "ran", "schema_numbers", "stored_format"}
_OLD, _NEW = IndexModel("box", name="box"), IndexModel("shelf", name="shelf")
_FORK = multiprocessing.get_context("fork")
_JOIN_SECONDS = 60


async def expand(database: Database, _: object) -> None:
    """Note who has expanded, and that it was done."""
    await database["ran"].insert_one({"pid": os.getpid()})
    await database["boxes"].update_one({"_id": "all"}, {"$set": {"expanded": True}}, upsert=True)


MIGRATIONS = [
    Migration(1, "boxes have a place", "expand", expand),
    Migration(2, "shelves", "backfill", backfilled("notes", {"shelf": None}, [{"$set": {"shelf": "$box"}}])),
    Migration(
        3, "no box", "contract", backfilled("notes", {"box": {"$exists": True}}, {"$unset": {"box": 1}}), floor=2
    ),
    Migration(4, "no index of boxes", "contract", dropped_index("notes", "box"), floor=2),
]


def store_older_data(database: Any) -> None:
    """Store what a release without schema numbers leaves behind."""
    database["notes"].create_indexes([_OLD])
    database["notes"].insert_many({"_id": number, "box": f"box {number % 3}"} for number in range(COUNT))


def left_in(database: Any) -> dict[str, Any]:
    """Return the data and what is known of the migrations, without who has run them."""
    state = database["schema_numbers"].find_one({}, {"runner": 0, "until": 0})
    indexes = sorted(database["notes"].index_information())
    return {"notes": list(database["notes"].find()), "indexes": indexes, "state": state}


async def start(uri: str, name: str) -> None:
    """Start as `parley serve` does, and stop when all migrations are done."""
    owned = [CollectionIndexes("notes", (_NEW,)), CollectionIndexes("boxes", ())]
    plugin = a_plugin("notes", parley_indexes=owned, parley_migrations=MIGRATIONS)
    settings = CoreSettings(mongodb_uri=uri, mongodb_database=name)  # type: ignore[arg-type]
    async with Parley([settings], plugins=[plugin]).running() as parley:
        await parley.require(migrating.DataMigrations).finish()


class AtCommand(monitoring.CommandListener):
    """Kills the process at the write of a number: before it is sent, or once it has been answered.

    Args:
        number: which write; 0 for none.
        is_answered: whether it is answered before.
    """

    def __init__(self, number: int, *, is_answered: bool = False) -> None:
        self._number, self._is_answered = number, is_answered
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Count a write, unless it is the relay's or renews a lease: how many there are depends on the machine."""
        name = event.command_name
        is_renewal = name == "update" and isinstance(event.command["updates"][0]["u"], list)
        if name in WRITES and event.command[name] in COLLECTIONS and not is_renewal:
            self.count += 1
            self._kill(event, when=not self._is_answered)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Note an answer."""
        self._kill(event, when=self._is_answered)

    def failed(self, _: monitoring.CommandFailedEvent) -> None:
        """Note an answer."""

    def _kill(self, event: monitoring.CommandStartedEvent | monitoring.CommandSucceededEvent, *, when: bool) -> None:
        if when and event.command_name in WRITES and self.count == self._number:
            os.kill(os.getpid(), signal.SIGKILL)


def run(uri: str, name: str, listener: AtCommand, writes: Any) -> None:
    """Start in this process, which may be killed, and say how many writes that took."""
    monitoring.register(listener)
    asyncio.run(start(uri, name))
    writes.value = listener.count


NEVER = AtCommand(0)


def forked(uri: str, name: str, listener: AtCommand = NEVER, writes: Any = None) -> Any:
    """Return a process that starts on a database."""
    process = _FORK.Process(target=run, args=(uri, name, listener, writes or _FORK.Value("i", 0)))
    process.start()
    return process


def start_several(uri: str, name: str, number: int) -> object:
    """Start processes at once; return their exit codes, how many have run migrations, and what is left."""
    with MongoClient[dict[str, Any]](uri) as client:
        store_older_data(client[name])
    processes = [forked(uri, name) for _ in range(number)]
    for process in processes:
        process.join(_JOIN_SECONDS)
    with MongoClient[dict[str, Any]](uri) as client:
        ran = len(list(client[name]["ran"].find()))
        return {"codes": [process.exitcode for process in processes], "ran": ran, "left": left_in(client[name])}


def kill_several(uri: str, name: str, number: int) -> object:
    """Start, kill that, and start again, in so many moments; return the exit codes and what is left each time."""
    writes = _FORK.Value("i", 0)
    found = [killed_once(uri, f"{name}_0", None, writes)]
    for turn in range(1, number + 1):
        at = 1 + (turn - 1) * (writes.value - 1) // max(1, number - 1)
        found.append(killed_once(uri, f"{name}_{turn}", AtCommand(at, is_answered=turn % 2 == 0), None))
    return found


def killed_once(uri: str, name: str, listener: AtCommand | None, writes: Any) -> object:
    """Start and be killed, unless there is nothing that does so, and start again."""
    with MongoClient[dict[str, Any]](uri) as client:
        store_older_data(client[name])
    codes = []
    for one in (listener, NEVER) if listener else (NEVER,):
        process = forked(uri, name, one, writes)
        process.join(_JOIN_SECONDS)
        codes.append(process.exitcode)
    with MongoClient[dict[str, Any]](uri) as client:
        left = left_in(client[name])
        client.drop_database(name)
    return {"codes": codes, "left": left}


if __name__ == "__main__":
    if sys.argv[3] == "kill":  # one at a time, so that no busy machine loses a lease
        migration_runner.LEASE_SECONDS = 0.6
        setattr(migrating, "_POLL_SECONDS", 0.02)  # noqa: B010 - shorter than it is for users
    setattr(migration_steps, "_BATCH", 7)  # noqa: B010
    work = {"start": start_several, "kill": kill_several}[sys.argv[3]]
    sys.stdout.write(json.dumps(work(sys.argv[1], sys.argv[2], int(sys.argv[4]))))
