"""What a stream sends when its access is lost in the very moment in which it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parley_auth import Access, PolicyTable, Principal
from parley_auth.errors import PermissionDenied
from parley_events.feed import EventFeed
from parley_events.stream.ending import Ending
from parley_events.stream.follower import Follower
from parley_events.stream.reader import NewEventReader

if TYPE_CHECKING:
    from conftest import Stage


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "kept"])
async def test_lost_while_reading(stage: Stage, *, is_lost: bool) -> None:
    """What is written after access was lost is never sent, not even by a read that began before; else it is sent."""
    me, users = stage.people.admin.id, stage.database["users"]

    async def happens() -> None:
        if is_lost:
            await users.update_one({"_id": me}, {"$set": {"role": "interviewer"}})
        await stage.create(text="secret")
        await stage.relayed()

    async def reauthorize() -> Access:
        user = await users.find_one({"_id": me})
        if not user or user["role"] != "admin":
            raise PermissionDenied
        return access

    principal = Principal(me, "admin", "session")
    access = Access(principal, "test", stage.parley.require(PolicyTable), reauthorize=reauthorize)
    log, after = stage.interrupted_log(happens), await stage.relayed()
    await stage.create(text="first")
    await stage.relayed()
    reader = NewEventReader(EventFeed(log))
    follower = Follower(access, after=after, types=(), log=log, reader=reader, ending=Ending())
    events = follower.events()
    if is_lost:
        assert [event async for event in events] == []
    else:
        assert b"first" in await anext(events)
        assert b"secret" in await anext(events)
    await events.aclose()
