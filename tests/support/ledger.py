"""What was answered to each write while something fails, and what the database must therefore contain."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from parley_core import LogEntry

SOURCES = ("users", "interviews", "outbox")
SUBJECTS = {"user": ("users", "rev"), "interview": ("interviews", "rev"), "message_log": ("message_logs", "last_seq")}


@dataclass
class Ledger:
    """What was answered to each write, by the id of its request."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Request id -> type of the event."""
    refused: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    surprising: list[str] = field(default_factory=list)
    """Answers that no outage explains."""
    slowest: float = 0
    """The seconds of the request that took longest, however it ended."""
    moments: list[float] = field(default_factory=list)
    """When a write was acknowledged, by `time.monotonic()`."""
    by_worker: Counter[str] = field(default_factory=Counter)
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def acknowledge(self, request_id: str, event_type: str, worker: str) -> None:
        """Remember a write that a worker has acknowledged."""
        self.acknowledged[request_id] = event_type
        self.moments.append(time.monotonic())
        self.by_worker[worker] += 1
        async with self.progress:
            self.progress.notify_all()

    async def grown_by(self, count: int) -> None:
        """Wait until so many more writes are acknowledged."""
        wanted = len(self.acknowledged) + count
        async with self.progress:
            await self.progress.wait_for(lambda: len(self.acknowledged) >= wanted)

    async def grown_everywhere(self, workers: Sequence[str]) -> None:
        """Wait until each of these workers has acknowledged one more write."""
        before = Counter(self.by_worker)
        async with self.progress:
            await self.progress.wait_for(lambda: all(self.by_worker[one] > before[one] for one in workers))

    def gap_since(self, moment: float) -> float:
        """Return the longest time without an acknowledgement, in seconds, from a moment on."""
        return max(after - before for before, after in pairwise([moment, *(m for m in self.moments if m > moment)]))


def problems_of_log(events: Sequence[LogEntry], ledger: Ledger) -> Iterator[str]:
    """Yield each acknowledged write that isn't in the log once, each refused one in it, and what is not dense."""
    if [event.position for event in events] != list(range(1, len(events) + 1)):
        yield "the positions are not dense"
    if len({event.id for event in events}) != len(events):
        yield "an event is in the log twice"
    revs: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in events:
        revs[event.kind, event.subject_id].append(event.rev)
    for subject, found in revs.items():
        if found != list(range(1, len(found) + 1)):
            yield f"the revisions of {subject} are not dense: {found}"
    yield from _problems_of_requests(events, ledger)


def _problems_of_requests(events: Sequence[LogEntry], ledger: Ledger) -> Iterator[str]:
    types = {event.request_id: event.type for event in events}
    counts = Counter(event.request_id for event in events)
    for request_id, kind in ledger.acknowledged.items():
        if types.get(request_id) != kind:
            yield f"lost: {kind} of {request_id}"
    for request_id in (*ledger.acknowledged, *ledger.unknown):
        if counts[request_id] > 1:
            yield f"{types[request_id]} of {request_id} is there {counts[request_id]} times"
    for request_id in ledger.refused & set(counts):
        yield f"{types[request_id]} of {request_id} was refused"


async def problems_of_documents(events: Sequence[LogEntry], database: Any) -> list[str]:
    """Return each thing that doesn't have the revision with which the log ends for it."""
    last = {(event.kind, event.subject_id): event.rev for event in events}
    stored: dict[tuple[str, str], int] = {}
    for kind, (name, rev) in SUBJECTS.items():
        stored |= {(kind, d["_id"]): d[rev] async for d in database[name].find({}, {rev: 1})}
    return list(_differences(stored, last))


def _differences(stored: Mapping[tuple[str, str], int], last: Mapping[tuple[str, str], int]) -> Iterator[str]:
    known = {subject: rev for subject, rev in last.items() if subject[0] in SUBJECTS}
    for subject in sorted(stored.keys() | known.keys()):
        if stored.get(subject) != known.get(subject):
            yield f"{subject} has revision {stored.get(subject)}, and {known.get(subject)} in the log"


async def waiting(database: Any) -> int:
    """Return in how many places events still wait for the relay."""
    found = [await database[name].count_documents({"history.0": {"$exists": True}}) for name in SOURCES]
    return sum(found)
