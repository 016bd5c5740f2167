"""The checks of the failures see what they are for: in logs made by hand, and where an application is broken."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cluster import running_cluster
from footprints import Snapshot, footprint
from ledger import Ledger, problems_of_log
from siege import drained, looking, problems_of, set_stage
from writing import writing

from parley_app.testing import install_plugin
from parley_core import LogEntry

BLOWS = 10
"""Kills at most: a journal that is written every tenth of a second loses something in nearly each."""
# A write is acknowledged before it is on the disk.
_CARELESS = """
from parley_core import hookimpl
from parley_core.data import database
from pymongo import AsyncMongoClient

database.AsyncMongoClient = lambda uri, **options: AsyncMongoClient(uri, **{**options, "w": 1})

@hookimpl
def parley_events():
    return []
"""
# Positions are handed out outside of the transaction that uses them, and a worker dies in between.
_WITHOUT_FENCE = """
import os, signal
from pathlib import Path
from parley_core import hookimpl
from parley_core.log.writer import LogWriter

reserve = LogWriter._reserve

async def unfenced(self, count, session):
    first = await reserve(self, count, None)
    if first > 10:
        died = Path(__file__).with_name("died")
        if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return first

LogWriter._reserve = unfenced

@hookimpl
def parley_events():
    return []
"""


def an_entry(position: int, **changes: Any) -> LogEntry:
    """Return the event of a request of its own, the only one of its interview."""
    entry = LogEntry(
        position=position,
        kind="interview",
        subject_id=f"i{position}",
        rev=1,
        type="interview.created",
        at=datetime(2027, 3, 1, tzinfo=UTC),
        actor=None,
        actor_role="admin",
        request_id=f"r{position}",
        reason=None,
        changes={},
        audience=(),
    )
    return replace(entry, **changes)


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([an_entry(1)], "lost: interview.created of r2"),
        ([an_entry(1), an_entry(3, request_id="r2")], "the positions are not dense"),
        ([an_entry(2), an_entry(1)], "the positions are not dense"),
        ([an_entry(1), an_entry(2, subject_id="i1")], "an event is in the log twice"),
        ([an_entry(1), an_entry(2, rev=2)], "the revisions of ('interview', 'i2') are not dense: [2]"),
        ([an_entry(1), an_entry(2), an_entry(3, request_id="r2")], "interview.created of r2 is there 2 times"),
        ([an_entry(1), an_entry(2), an_entry(3, request_id="r9")], "interview.created of r9 was refused"),
        ([an_entry(1), an_entry(2, type="interview.updated")], "lost: interview.created of r2"),
    ],
)
def test_log_made_by_hand(events: list[LogEntry], problem: str) -> None:
    """Each fault of a log is one of its problems; a log without one has none."""
    ledger = Ledger({"r1": "interview.created", "r2": "interview.created"}, refused={"r9"})
    assert list(problems_of_log([an_entry(1), an_entry(2)], ledger)) == []
    assert problem in list(problems_of_log(events, ledger))


def test_footprint_made_by_hand() -> None:
    """A document without the other, or without its event, is another footprint; an event on its way counts."""
    event = {"request_id": "r", "type": "thing.created", "at": 1, "rev": 1}
    thing: Snapshot = {("things", "1"): {"history": [event]}}
    silent: Snapshot = {("things", "1"): {}}
    relayed: Snapshot = {("things", "1"): {"history": []}, ("events", "1"): event}
    total: Snapshot = {("totals", "all"): {"n": 1}}
    more: Snapshot = {("totals", "all"): {"n": 2}}
    whole = footprint(total, {**thing, **more})
    assert whole == footprint(total, {**relayed, **more})
    assert whole not in (footprint(total, {**thing, **total}), footprint(total, {**silent, **more}))
    assert not footprint(thing, relayed)


@pytest.mark.chaos
async def test_write_that_is_not_on_the_disk(tmp_path: Path, seed: int, figures: Callable[[str], None]) -> None:
    """Acknowledged by w=1, some writes are lost when MongoDB is killed, and the check says so."""
    install_plugin(tmp_path, "careless", _CARELESS)
    ledger, problems, kills = Ledger(), list[str](), 0
    with running_cluster(tmp_path, workers=0, PYTHONPATH=str(tmp_path)) as cluster:
        stage = await set_stage(cluster.core_settings())
        cluster.start(1)
        while kills < BLOWS and not problems:
            async with writing(cluster.urls, stage, ledger, seed=seed):
                await ledger.grown_by(30)
                await cluster.kill_mongod()
            kills += 1
            async with looking(cluster.core_settings()) as database:
                await drained(database)
                problems = [problem for problem in await problems_of(database, ledger) if problem.startswith("lost")]
    figures(f"w=1: {len(problems)} of {len(ledger.acknowledged)} acknowledged writes lost in {kills} kills")
    assert problems


@pytest.mark.chaos
async def test_relay_without_fence(tmp_path: Path, seed: int) -> None:
    """A relay whose positions don't belong to its transaction leaves a gap when it is killed, and the check says so."""
    install_plugin(tmp_path, "unfenced", _WITHOUT_FENCE)
    ledger = Ledger()
    with running_cluster(tmp_path, workers=2, PYTHONPATH=str(tmp_path)) as cluster:
        stage = await set_stage(cluster.core_settings())
        async with asyncio.timeout(60), writing(cluster.urls, stage, ledger, seed=seed):
            await ledger.grown_by(60)
        async with looking(cluster.core_settings()) as database:
            await drained(database)
            assert "the positions are not dense" in await problems_of(database, ledger)
