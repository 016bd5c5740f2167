"""How much one user may post in a minute, and how much may wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from parley_core.testing import MovableClock
from parley_messaging.errors import TooManyMessages
from parley_messaging.log.budget import MessageBudget
from parley_messaging.settings import MessagingSettings

if TYPE_CHECKING:
    from conftest import Chat

MESSAGES, BYTES, WAITING = 5, 32_000, 2


@pytest.fixture
def messaging_settings() -> MessagingSettings:
    return MessagingSettings(messages_per_minute=MESSAGES, message_bytes_per_minute=BYTES, messages_waiting=WAITING)


class TestBudget:
    def test_minutes(self, caplog: pytest.LogCaptureFixture) -> None:
        """The next full minute begins anew, and nothing is kept of those who don't post in it."""
        clock = MovableClock()
        budget = MessageBudget(messages=2, size=0, clock=clock)
        clock.move(timedelta(seconds=30))
        for user in ("ada", "bob"):
            budget.spend(user, 10**9)
            budget.spend(user, 10**9)
            with pytest.raises(TooManyMessages) as refused:
                budget.spend(user, 1)
            assert refused.value.headers == {"Retry-After": "30"}
        clock.move(timedelta(seconds=29, milliseconds=999))
        with pytest.raises(TooManyMessages) as refused:
            budget.spend("ada", 1)
        assert refused.value.headers == {"Retry-After": "1"}
        clock.move(timedelta(milliseconds=1))
        budget.spend("ada", 1)
        assert budget.users == 1
        assert caplog.messages == ["messages refused to users who have posted too many: 1"]

    def test_bytes(self) -> None:
        """A message that is too large for what is left is refused, and a smaller one isn't."""
        budget = MessageBudget(messages=0, size=100, clock=MovableClock())
        budget.spend("ada", 60)
        with pytest.raises(TooManyMessages):
            budget.spend("ada", 41)
        budget.spend("ada", 40)

    def test_setting(self) -> None:
        """A limit of bytes lets every single message through, or there is none."""
        assert MessagingSettings(message_bytes_per_minute=0).message_bytes_per_minute == 0
        with pytest.raises(ValueError, match="at least 32000"):
            MessagingSettings(message_bytes_per_minute=31_999)


class TestPosting:
    async def test_over_the_limit(self, chat: Chat, clock: MovableClock) -> None:
        """One message more than a minute allows is 429 in whatever log, costs nothing, and concerns nobody else."""
        ada, bob = await chat.account(), await chat.account()
        rooms = [await chat.room(ada, bob), await chat.room(ada, bob)]
        for number in range(MESSAGES):
            assert (await chat.post(rooms[number % 2], ada)).status_code == 201
        refused, work = await chat.profile(lambda: chat.post(rooms[0], ada))
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_messages")
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        # The relay may read the outbox at any time.
        assert [done for done in work if not done["ns"].endswith(".outbox")] == []
        assert (await chat.post(rooms[0], bob)).status_code == 201
        clock.move(timedelta(minutes=1))
        assert (await chat.post(rooms[0], ada)).status_code == 201

    async def test_bytes(self, chat: Chat) -> None:
        """What is counted is the text as UTF-8."""
        ada = await chat.account()
        room = await chat.room(ada)
        assert (await chat.post(room, ada, "\U0001f600" * 4000)).status_code == 201
        assert (await chat.post(room, ada, "\U0001f600" * 4001)).status_code == 429
        assert (await chat.post(room, ada, "\U0001f600" * 4000)).status_code == 201

    async def test_repeats(self, chat: Chat) -> None:
        """A message that is sent again counts again, and what isn't valid or allowed doesn't count."""
        ada, stranger = await chat.account(), await chat.account()
        room = await chat.room(ada)
        for _ in range(2 * MESSAGES):
            assert (await chat.post(room, ada, "")).status_code == 400
            assert (await chat.post(room, stranger)).status_code == 403
        for _ in range(MESSAGES):
            assert (await chat.post(room, ada, client_message_id="one")).status_code in {200, 201}
        assert (await chat.post(room, ada, client_message_id="one")).status_code == 429

    async def test_waiting(self, chat: Chat) -> None:
        """More posts to one log than may wait are 503, and the others are stored."""
        members = [await chat.account() for _ in range(8)]
        room = await chat.room(*members)
        answers = await asyncio.gather(*(chat.post(room, member) for member in members))
        assert {answer.status_code for answer in answers} == {201, 503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.json()["code"] for answer in refused} == {"unavailable"}
        assert all(answer.headers["Retry-After"] for answer in refused)
        assert len(await chat.stored(room)) == len(members) - len(refused)
