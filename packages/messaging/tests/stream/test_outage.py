"""Messages while MongoDB is away, and after it is back."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

import pytest

from parley_core.kernel.settings import CoreSettings
from parley_core.testing.servers import OwnMongoDB
from parley_messaging.testing import address, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Chat


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnMongoDB]:
    database = OwnMongoDB(tmp_path / "data")
    yield database
    database.server.stop()


@pytest.fixture
def core_settings(own: OwnMongoDB) -> CoreSettings:
    return CoreSettings(mongodb_uri=own.server.uri, mongodb_database="outage")  # type: ignore[arg-type]


async def test_streams_survive_a_restart(own: OwnMongoDB, chat: Chat) -> None:
    """Open streams tell what is posted after MongoDB was killed and is back, without a gap or a repeat."""
    ada, bob = await chat.account(), await chat.account()
    room = await chat.room(ada, bob)
    async with chat.served() as server, listening(server, address(room), ada.headers) as stream:
        await chat.post(room, bob)
        assert len(await stream.messages(1)) == 1
        await own.restart()
        for number in range(20):
            answer = await chat.post(room, bob, client_message_id=f"{number}")
            if answer.status_code == 503:
                answer = await chat.post(room, bob, client_message_id=f"{number}")
            assert answer.status_code in {200, 201}
        assert [message["seq"] for message in await stream.messages(20)] == list(range(2, 22))


async def test_revocation_during_a_restart(own: OwnMongoDB, chat: Chat) -> None:
    """Who is removed while nobody could see it is cut off once MongoDB is back."""
    ada = await chat.account()
    room = await chat.room(ada)
    async with chat.served() as server, listening(server, address(room), ada.headers) as stream:
        await chat.post(room, ada)
        await stream.messages(1)
        await own.restart()
        await chat.remove(room, ada)
        assert await stream.rest(5) == []


async def test_frozen(own: OwnMongoDB, chat: Chat) -> None:
    """Posts to a MongoDB that doesn't answer are 503 in time, and stored at most once by a later retry."""
    ada = await chat.account()
    room = await chat.room(ada)
    own.freeze(signal.SIGSTOP)
    begin = time.monotonic()
    answers = await asyncio.gather(*(chat.post(room, ada, client_message_id=f"{n % 4}") for n in range(8)))
    taken = time.monotonic() - begin
    own.freeze(signal.SIGCONT)
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "unavailable")}
    assert all(answer.headers["Retry-After"] for answer in answers)
    # A request has five seconds; whatever waits anew takes twice as long.
    assert taken < 9
    for number in range(4):
        again = await chat.post(room, ada, client_message_id=f"{number}")
        assert again.status_code in {200, 201}
    assert sorted(message["seq"] for message in await chat.stored(room)) == [1, 2, 3, 4]
