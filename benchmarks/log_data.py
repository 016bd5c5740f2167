"""The log of the log's benchmark, written directly: entries as the relay leaves them, and histories of before it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.database import Database

from benchmarks.data import an_id
from parley_core.log.reader import EVENTS, FENCE, FENCE_ID

AnyDatabase = AsyncDatabase[dict[str, Any]]
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
OF_EACH = 50
"""Entries of one interview, one after the other."""
ACTORS = 10
_BATCH = 5000


async def fill(database: AnyDatabase, entries: int) -> None:
    """Write a log of so many changes of interviews."""
    for begin in range(0, entries, _BATCH):
        await database[EVENTS].insert_many([_logged(number) for number in range(begin, min(begin + _BATCH, entries))])
    await database[FENCE].update_one({"_id": FENCE_ID}, {"$set": {"position": entries}}, upsert=True)


def extend(database: Database[dict[str, Any]], entries: int) -> int:
    """Log so many changes of the interviews of data.py, behind what is there; return the position before the first."""
    fence = database[FENCE].find_one_and_update({"_id": FENCE_ID}, {"$inc": {"position": entries}}, upsert=True)
    behind = int(fence["position"]) if fence else 0
    for begin in range(0, entries, _BATCH):
        numbers = range(begin, min(begin + _BATCH, entries))
        database[EVENTS].insert_many([_logged(n, kind=2, behind=behind) for n in numbers], ordered=False)
    changed = {"_id": {"$gte": an_id(2, 0), "$lt": an_id(2, entries // OF_EACH)}}
    database["interviews"].update_many(changed, {"$set": {"rev": OF_EACH}})
    return behind


def _logged(number: int, *, kind: int = 4, behind: int = 0) -> dict[str, Any]:
    interview, rev = an_id(kind, number // OF_EACH), number % OF_EACH + 1
    subject = {"_id": f"interview:{interview}:{rev}", "kind": "interview", "subject_id": interview}
    return {**subject, **entry(number, rev), "position": behind + number + 1}


def entry(number: int, rev: int) -> dict[str, Any]:
    """Return an entry as it waits for the relay: every second is another field's, each actor makes a tenth."""
    kind = "interview.rescheduled" if number % 2 else "interview.updated"
    return {
        "rev": rev,
        "type": kind,
        "at": BEGIN + timedelta(seconds=number),
        "actor": an_id(5, number // OF_EACH % ACTORS),
        "actor_role": "admin",
        "request_id": an_id(6, number),
        "reason": None,
        "changes": {"location": {"from": f"Room {number}", "to": f"Room {number + 1}"}},
        "audience": [an_id(7, number // OF_EACH), an_id(8, number % 100)],
    }


async def add_history(database: AnyDatabase, interview: Mapping[str, Any], revisions: int) -> None:
    """Write an interview with so many changes, all of which are in the log, behind what is there."""
    fence = await database[FENCE].find_one_and_update({"_id": FENCE_ID}, {"$inc": {"position": revisions}})
    first = int(fence["position"]) if fence else 0
    subject = {"kind": "interview", "subject_id": interview["_id"]}
    logged = [
        {"_id": f"interview:{interview['_id']}:{rev}", **subject, **entry(rev, rev), "position": first + rev}
        for rev in range(1, revisions + 1)
    ]
    await database[EVENTS].insert_many(logged)
    await database["interviews"].insert_one({**interview, "rev": revisions, "history": []})


async def add_unrelayed(database: AnyDatabase, interviews: Sequence[Mapping[str, Any]], revisions: int) -> None:
    """Write interviews with histories of before there was a log."""
    documents = [
        {**interview, "rev": revisions, "history": [entry(rev, rev) for rev in range(1, revisions + 1)]}
        for interview in interviews
    ]
    await database["interviews"].insert_many(documents)
