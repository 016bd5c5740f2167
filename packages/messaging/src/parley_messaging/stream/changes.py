"""What happens in the database, on whatever worker: one change stream per process wakes its followers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from parley_core import Database
from parley_core.background import kept_running
from parley_core.data.failures import DatabaseError
from parley_core.log import bookkeeping
from parley_core.log_lines import LogLine
from parley_core.waiting import end
from parley_messaging.indexes import LOGS, MESSAGES
from parley_messaging.stream.hub import Hub

# A log's head moves once in a transaction, however many messages that appends. A change of any other document matters
# where its id is a follower's, or that of a log, which is its resource's: whose collections these are isn't known here.
_PIPELINE: list[Mapping[str, Any]] = [
    {"$match": bookkeeping.EXCLUDED},
    {"$match": {"ns.coll": {"$ne": MESSAGES}, "documentKey._id": {"$type": "string"}}},
    # A lock of a resource or an account, which comes with each batch of messages, changes nobody's access.
    {"$match": {"updateDescription.updatedFields.touched": {"$exists": False}}},
    {
        "$project": {
            "operationType": True,
            "ns.coll": True,
            "documentKey._id": True,
            "rev": "$updateDescription.updatedFields.rev",
        }
    },
]
# Shorter than the client's time limit, which would end a change stream that waits longer.
_AWAIT_MS = 1000
_PAUSE_SECONDS = 0.2
_log = logging.getLogger("parley.messaging")


@asynccontextmanager
async def watching(database: Database, hub: Hub) -> AsyncIterator[None]:
    """Report changes to the hub during the block; after an outage everything is read and checked again."""
    task = asyncio.create_task(kept_running(lambda: _watch(database, hub), "the change stream"))
    try:
        yield
    finally:
        await end(task)


async def _watch(database: Database, hub: Hub) -> None:
    while True:
        try:
            await _follow(database, hub)
        except DatabaseError as error:
            text = "the change stream ended ({error}) and is opened again"
            _log.warning(LogLine("change_stream_ended", text, error=type(error).__name__))
        await asyncio.sleep(_PAUSE_SECONDS)


async def _follow(database: Database, hub: Hub) -> None:
    async with await database.watch(_PIPELINE, max_await_time_ms=_AWAIT_MS) as stream:
        # Nobody has seen what happened before this moment.
        hub.recheck_all()
        while stream.alive:
            if change := await stream.try_next():
                _report(hub, change)


def _report(hub: Hub, change: Mapping[str, Any]) -> None:
    document_id = change["documentKey"]["_id"]
    if change["ns"]["coll"] == LOGS:
        hub.wake_readers(document_id, change["_id"]["_data"])
        return
    hub.recheck_user(document_id)
    # What raises no `rev` changes nobody's access: the relay removes entries that are in the log.
    if change["operationType"] != "update" or "rev" in change:
        hub.recheck_log(document_id)
