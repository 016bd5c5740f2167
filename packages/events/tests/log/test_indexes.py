"""What MongoDB does for each documented filter, as its profiler tells of the very commands that a request sends."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from parley_core import Document, new_id
from parley_core.testing import NOON
from parley_events.log.schemas import EventQuery

if TYPE_CHECKING:
    from conftest import Stage

COUNT = 3000
TYPES = ("note.created", "note.changed", "user.created", "user.updated")
SUBJECT, ACTOR = new_id(), new_id()
# Every filter alone, with what it costs at most to find a page of 20 and look for one more.
FILTERS: dict[str, dict[str, Any]] = {
    "after": {"after": COUNT // 2},
    "type": {"type": ["note.created"]},
    "subject_id": {"subject_id": SUBJECT},
    "actor": {"actor": ACTOR},
    "from": {"from": (NOON + timedelta(minutes=COUNT - 10)).isoformat()},
    "to": {"to": (NOON + timedelta(minutes=10)).isoformat()},
}
TYPE_PAIR = {"type": ["note.created", "user.updated"]}
COMBINATIONS = [{}, TYPE_PAIR, *FILTERS.values()]
COMBINATIONS += [one | other for one, other in itertools.combinations([TYPE_PAIR, *FILTERS.values()], 2)]


def stored(n: int, position: int) -> Document:
    """The n-th event as it is stored; each subject has 30, each actor 100."""
    subject = SUBJECT if n % 100 == 7 else f"{n % 100:024}"
    kind = TYPES[n % 4].partition(".")[0]
    return {
        "_id": f"{kind}:{subject}:{n}",
        "position": position,
        "kind": kind,
        "subject_id": subject,
        "rev": n + 10,
        "type": TYPES[n % 4],
        "at": NOON + timedelta(minutes=n),
        "actor": ACTOR if n % 30 == 5 else f"{n % 30:024}",
        "actor_role": "admin",
        "request_id": "test",
        "reason": None,
        "changes": {},
        "audience": [subject],
    }


@pytest.fixture
async def full(stage: Stage) -> Stage:
    """A log of 3,000 events, which MongoDB plans for anew: the database had other events before."""
    head = await stage.relayed()
    await stage.database["events"].insert_many(stored(n, head + 1 + n) for n in range(COUNT))
    await stage.database["events_fence"].update_one({"_id": "events"}, {"$set": {"position": head + COUNT}})
    await stage.database.command("planCacheClear", "events")
    return stage


async def profiled(stage: Stage, query: dict[str, Any]) -> tuple[list[Document], list[Document]]:
    """The events of a page, and the commands that read the log for it."""
    answer, commands = await stage.profile(lambda: stage.read(**query))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"], commands


def test_each_filter_is_covered() -> None:
    """No parameter of the list is missing below."""
    names = {field.alias or name for name, field in EventQuery.model_fields.items()}
    assert names == FILTERS.keys() | {"limit"}


async def test_no_query_reads_the_whole_log(full: Stage, subtests: pytest.Subtests) -> None:
    """Every filter and every pair of them is read along an index, with one query, and most look at little else."""
    for query in COMBINATIONS:
        with subtests.test(str(query)):
            items, [command] = await profiled(full, query)
            assert "COLLSCAN" not in command["planSummary"]
            assert command["planSummary"].startswith("IXSCAN")
            if not {"from", "to"} & query.keys() and len(query) == 1:
                assert len(items) == 20
                assert command["docsExamined"] <= 21
                assert not command.get("hasSortStage")


async def test_empty_poll(full: Stage) -> None:
    """A poll without news doesn't query the log at all: its end is known from a document of its own."""
    _, commands = await profiled(full, {"after": 0, "limit": 1})
    assert len(commands) == 1
    head = await full.relayed()
    for query in ({}, {"type": "note.created"}, {"subject_id": SUBJECT}):
        assert await profiled(full, {"after": head, **query}) == ([], [])


async def test_a_scan_is_seen(full: Stage) -> None:
    """The check fires: a condition without an index is reported as a scan."""

    async def scan() -> object:
        return await full.database["events"].find({"request_id": "test"}).limit(1).to_list()

    _, [command] = await full.profile(scan)
    assert command["planSummary"] == "COLLSCAN"
