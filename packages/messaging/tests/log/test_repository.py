"""The log itself, without anything in front of it that keeps appends apart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from parley_core import in_transaction, new_id
from parley_messaging.log.repository import MessageRepository
from parley_messaging.models import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Chat

    from parley_core import Session
    from parley_messaging.models import Message


def drafts(count: int) -> Sequence[Draft]:
    return [Draft("sender", "x", sender_role="candidate", request_id="trace") for _ in range(count)]


class RoomBurnt(Exception):
    """What goes wrong after an append."""


async def test_first_appends_at_once(chat: Chat) -> None:
    """Transactions that all find no log and make it agree on the places 1 to N, on a database without collections."""
    repository = MessageRepository(chat.database)
    for _ in range(5):
        log = new_id()

        async def append(session: Session, log: str = log) -> Sequence[Message]:
            return await repository.append(log, drafts(2), at=chat.parley.clock(), session=session)

        messages = await asyncio.gather(*(in_transaction(chat.parley.client, append) for _ in range(8)))
        assert sorted(message.seq for pair in messages for message in pair) == list(range(1, 17))
        assert await repository.head(log) == 16


async def test_log_made_meanwhile(chat: Chat) -> None:
    """A transaction that began before another made the log conflicts, and is repeated; no duplicate key stops it."""
    repository, log = MessageRepository(chat.database), new_id()
    attempts = 0

    async def append(session: Session) -> Sequence[Message]:
        return await repository.append(log, drafts(1), at=chat.parley.clock(), session=session)

    async def append_late(session: Session) -> Sequence[Message]:
        nonlocal attempts
        attempts += 1
        await chat.database["rooms"].find_one({}, session=session)
        if attempts == 1:
            await in_transaction(chat.parley.client, append)
        return await append(session)

    [message] = await in_transaction(chat.parley.client, append_late)
    assert (message.seq, attempts) == (2, 2)


async def test_all_or_nothing(chat: Chat) -> None:
    """A transaction that fails after its append leaves neither a message nor a place that nobody takes."""
    repository, log = MessageRepository(chat.database), new_id()

    async def append(session: Session) -> Sequence[Message]:
        return await repository.append(log, drafts(1), at=chat.parley.clock(), session=session)

    async def append_and_fail(session: Session) -> None:
        await append(session)
        raise RoomBurnt

    with pytest.raises(RoomBurnt):
        await in_transaction(chat.parley.client, append_and_fail)
    assert await chat.stored(log) == []
    assert [message.seq for message in await in_transaction(chat.parley.client, append)] == [1]
