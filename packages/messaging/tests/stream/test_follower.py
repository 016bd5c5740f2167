"""What a stream sends when its access is lost and nothing tells it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parley_auth import Principal, ScopedAccess
from parley_auth.errors import NotAParticipant
from parley_core import new_id
from parley_messaging.log.repository import MessageRepository
from parley_messaging.stream.follower import Follower
from parley_messaging.stream.hub import Hub
from parley_messaging.stream.reader import NewMessageReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conftest import Chat

    from parley_core import Database
    from parley_messaging.models import Message


class InterruptedLog(MessageRepository):
    """The messages; something happens each time before they are read, and they are what is there after it."""

    def __init__(self, database: Database, interlude: Callable[[], Awaitable[object]]) -> None:
        super().__init__(database)
        self._interlude = interlude

    async def after(self, log_id: str, seq: int, *, limit: int) -> Sequence[Message]:
        await self._interlude()
        return await super().after(log_id, seq, limit=limit)


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "kept"])
async def test_lost_unnoticed(chat: Chat, *, is_lost: bool) -> None:
    """What is posted after access was lost is never sent, though the last check is young and the read came first."""
    ada, bob = await chat.account(), await chat.account()
    room = await chat.room(ada, bob)
    posted: list[str] = []

    async def happens() -> None:
        if posted and is_lost:
            await chat.remove(room, ada)
        posted.append((await chat.post(room, bob)).json()["id"])

    async def reauthorize() -> ScopedAccess:
        if not await chat.database["rooms"].find_one({"_id": room, "participants": ada.id}):
            raise NotAParticipant
        return access

    principal = Principal(ada.id, "candidate", new_id())
    resource = await chat.rooms.access_of(chat.parley, room, principal)
    assert resource
    [scope] = chat.rooms.parley_participant_scopes()
    access = ScopedAccess(principal, "test", chat.policy, resource, chat.parley, scope, reauthorize=reauthorize)
    hub, reader = Hub(), NewMessageReader(InterruptedLog(chat.database, happens))
    follower = Follower(access, after=0, hub=hub, reader=reader, encode=lambda message: message.id.encode())
    events = follower.events()
    assert await anext(events) == posted[0].encode()
    hub.wake_readers(room, "more")
    rest = [event async for event in events] if is_lost else [await anext(events)]
    assert rest == ([] if is_lost else [posted[1].encode()])
    assert len(posted) > 1
    await events.aclose()
