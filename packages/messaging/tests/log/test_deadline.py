"""How long a post takes at most, whatever has used up the time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Chat

    from parley_core.kernel.settings import CoreSettings

SECONDS, GUARD_SECONDS, SPARE_SECONDS = 1.5, 1.2, 0.6


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    return reused_settings.model_copy(update={"request_timeout_seconds": SECONDS})


async def test_slow_guard(chat: Chat) -> None:
    """A post whose guard took most of its time is answered in what is left of it, not in as much again."""
    ada = await chat.account()
    room = await chat.room(ada)
    chat.rooms.interlude = lambda: asyncio.sleep(GUARD_SECONDS)
    now = asyncio.get_running_loop().time
    async with chat.parley.client.start_session() as session, await session.start_transaction():
        # Whoever locks the room conflicts with this transaction until their time is over.
        await chat.database["rooms"].update_one({"_id": room}, {"$inc": {"touched": 1}}, session=session)
        begun = now()
        answer = await chat.post(room, ada)
        taken = now() - begun
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert GUARD_SECONDS < taken < SECONDS + SPARE_SECONDS
