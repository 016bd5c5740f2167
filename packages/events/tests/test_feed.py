"""The place to continue from: nothing that is committed while a page is read lies before it unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parley_core import EventLog, LogFilter
from parley_events.feed import EventFeed

if TYPE_CHECKING:
    from conftest import Stage


async def test_written_meanwhile(stage: Stage) -> None:
    """What is committed between the two reads is left for the next page, with a filter that it meets or without."""
    await stage.create()

    async def write() -> None:
        await stage.create()
        await stage.relayed()

    for where in (LogFilter(), LogFilter(types=("note.created", "note.changed"))):
        head = await stage.relayed()
        part = await EventFeed(stage.interrupted_log(write)).after(0, limit=100, where=where)
        assert (part.entries[-1].position, part.after, part.has_more) == (head, head, False)
        # The query itself has seen more; the end of the log, read after it, would have skipped nothing here.
        assert await EventLog(stage.database).head() == head + 1
        [missed] = (await EventFeed(EventLog(stage.database)).after(part.after, limit=100, where=where)).entries
        assert missed.position == head + 1


async def test_what_a_later_end_would_skip(stage: Stage) -> None:
    """A reader that took the end of the log after its query would miss an event, which this one finds."""
    head = await stage.relayed()
    log = EventLog(stage.database)
    found = await log.after(head, limit=100)
    await stage.create()
    await stage.relayed()
    late_end = await log.head()
    assert (found, late_end) == ([], head + 1)
    assert await log.after(late_end, limit=100) == []

    part = await EventFeed(log).after(head, limit=100)
    assert [entry.position for entry in part.entries] == [head + 1]


async def test_cut_off_at_the_limit(stage: Stage) -> None:
    """A part that is cut off continues after its last entry, one that isn't after the end of the log."""
    for _ in range(4):
        await stage.change(await stage.create(), number=1)
    head = await stage.relayed()
    feed, created = EventFeed(EventLog(stage.database)), LogFilter(types=("note.created",))
    places = [part.after for part in [await feed.after(0, limit=n, where=created) for n in (3, 4, 5)]]
    assert places == [head - 3, head, head]
    assert (await feed.after(0, limit=3, where=created)).has_more
    assert not (await feed.after(0, limit=4, where=created)).has_more


async def test_end_that_is_given(stage: Stage) -> None:
    """A part up to a known place stays within it, and needs no read where nothing lies between."""
    for _ in range(4):
        await stage.create()
    head = await stage.relayed()
    feed = EventFeed(EventLog(stage.database))
    part = await feed.between(head - 3, head - 1, limit=100)
    assert ([entry.position for entry in part.entries], part.after) == ([head - 2, head - 1], head - 1)
    _, commands = await stage.profile(lambda: feed.between(head, head, limit=100))
    assert commands == []
