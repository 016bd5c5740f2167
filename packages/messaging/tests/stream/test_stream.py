"""Following a log over HTTP: what arrives, from where on, and when the stream ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from parley_core import new_id
from parley_core.log.relay import Relay
from parley_messaging.stream import changes, follower
from parley_messaging.stream.hub import Hub
from parley_messaging.testing import Listener, address, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conftest import Chat

    from parley_auth.testing import Account
    from parley_core.testing import MovableClock


@pytest.fixture
async def server(chat: Chat) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a worker other than the one that `chat` posts to."""
    async with chat.served() as client:
        yield client


def seqs(messages: list[Any]) -> list[int]:
    return [message["seq"] for message in messages]


class TestDelivery:
    async def test_replay_then_live(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """A stream sends the log from its beginning, then what others post through another worker, like pages do."""
        ada, bob = await chat.account(), await chat.account()
        room = await chat.room(ada, bob)
        await chat.fill(room, [ada, bob], 45)
        async with listening(server, address(room), ada.headers) as stream:
            assert stream.response.headers["Content-Type"].startswith("text/event-stream")
            assert stream.response.headers["Cache-Control"] == "no-store"
            assert seqs(await stream.messages(45)) == list(range(1, 46))
            posted = [(await chat.post(room, bob, "a\nb\r\nc")).json() for _ in range(3)]
            assert await stream.messages(3) == posted

    async def test_latency(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """A message arrives well within a second after it was answered, through another worker."""
        ada = await chat.account()
        room = await chat.room(ada)
        async with listening(server, address(room), ada.headers) as stream:
            for _ in range(3):
                await chat.post(room, ada)
                async with asyncio.timeout(1):
                    await stream.messages(1)

    @pytest.mark.parametrize(
        ("headers", "query", "expected"),
        [
            ({"Last-Event-ID": "7"}, {}, [8, 9, 10]),
            ({}, {"after_seq": 8}, [9, 10]),
            ({"Last-Event-ID": "9"}, {"after_seq": 2}, [10]),
            ({"Last-Event-ID": "0"}, {"after_seq": 9}, list(range(1, 11))),
        ],
    )
    async def test_resume(
        self,
        chat: Chat,
        server: httpx.AsyncClient,
        headers: dict[str, str],
        query: dict[str, int],
        expected: list[int],
    ) -> None:
        """A stream begins behind the last event, or behind `after_seq` where there was none yet."""
        ada = await chat.account()
        room = await chat.room(ada)
        await chat.fill(room, [ada], 10)
        async with listening(server, address(room), ada.headers | headers, **query) as stream:
            assert seqs(await stream.messages(len(expected))) == expected
            await chat.post(room, ada)
            assert seqs(await stream.messages(1)) == [11]

    async def test_each_once_while_others_post(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """Readers that come, go and resume while others post see each message once and in order."""
        ada, bob = await chat.account(), await chat.account()
        room = await chat.room(ada, bob)

        async def read() -> list[int]:
            found: list[int] = []
            for count in (1, 3, 7, 11, 20, 58):
                headers = ada.headers | ({"Last-Event-ID": str(found[-1])} if found else {})
                async with listening(server, address(room), headers) as stream:
                    found += seqs(await stream.messages(count))
            return found

        async def post() -> None:
            for _ in range(20):
                await asyncio.gather(*(chat.post(room, bob) for _ in range(5)))

        *found, _ = await asyncio.gather(*(read() for _ in range(4)), post())
        assert found == [list(range(1, 101))] * 4

    async def test_logs_are_separate(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """A stream tells its own interview's messages only, and lives on after the interview is closed."""
        ada = await chat.account()
        rooms = [await chat.room(ada), await chat.room(ada)]
        async with listening(server, address(rooms[0]), ada.headers) as stream:
            await chat.post(rooms[1], ada)
            await chat.post(rooms[0], ada)
            await chat.close(rooms[0])
            [message] = await stream.messages(1)
            assert message["interview_id"] == rooms[0]
            with pytest.raises(TimeoutError):
                await stream.next(1.5)

    async def test_heartbeat(self, chat: Chat, server: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
        """A quiet stream says that it lives, every 15 seconds unless a test shortens them."""
        assert follower.HEARTBEAT_SECONDS == 15
        monkeypatch.setattr(follower, "HEARTBEAT_SECONDS", 0.05)
        ada = await chat.account()
        async with listening(server, address(await chat.room(ada)), ada.headers) as stream:
            for _ in range(3):
                event = await stream.next(1)
                assert event
                assert event.fields.keys() == {"comment"}

    async def test_slow_reader(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """A reader that takes nothing for a while delays nobody, and then gets everything."""
        ada = await chat.account()
        room = await chat.room(ada)
        async with (
            listening(server, address(room), ada.headers) as slow,
            listening(server, address(room), ada.headers) as quick,
        ):
            for _ in range(8):
                await asyncio.gather(*(chat.post(room, ada, "x" * 8000) for _ in range(25)))
            assert seqs(await quick.messages(200)) == list(range(1, 201))
            assert seqs(await slow.messages(200)) == list(range(1, 201))


class TestRefusal:
    async def test_before_the_first_byte(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """A caller who may not follow gets an ordinary answer, in the usual order of checks."""
        ada, stranger = await chat.account(), await chat.account("admin")
        room = await chat.room(ada)
        cases = [
            ("x", {"Last-Event-ID": "x"}, 401, "authentication_required"),
            ("x", ada.headers, 400, "invalid_id"),
            (new_id(), ada.headers, 404, "interview_not_found"),
            (room, stranger.headers | {"Last-Event-ID": "x"}, 403, "not_a_participant"),
        ]
        for where, headers, status, code in cases:
            answer = await server.get(f"{address(where)}/stream", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code)

    @pytest.mark.parametrize(
        ("headers", "query"),
        [
            *(({"Last-Event-ID": text}, "") for text in ("x", "-1", "1.5", "", f"{2**63}", "0x1", "1,2", "9" * 5000)),
            *(({}, query) for query in ("after_seq=-1", "after_seq=x", f"after_seq={2**63}", "limit=1", "token=x")),
        ],
    )
    async def test_malformed(self, chat: Chat, server: httpx.AsyncClient, headers: dict[str, str], query: str) -> None:
        """A place that is none, or an unknown parameter, is 400."""
        ada = await chat.account()
        room = await chat.room(ada)
        answer = await server.get(f"{address(room)}/stream?{query}", headers=ada.headers | headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")

    @pytest.mark.parametrize(
        ("headers", "query"),
        [
            ({"Last-Event-ID": "4"}, {}),
            ({"Last-Event-ID": "4"}, {"after_seq": 1}),
            ({}, {"after_seq": 4}),
            ({}, {"after_seq": 2**63 - 1}),
        ],
    )
    async def test_beyond_the_end(
        self, chat: Chat, server: httpx.AsyncClient, headers: dict[str, str], query: dict[str, int]
    ) -> None:
        """A place that the log hasn't reached is 400: after a restored backup a stream must not stay silent."""
        ada = await chat.account()
        room = await chat.room(ada)
        await chat.fill(room, [ada], 3)
        answer = await server.get(f"{address(room)}/stream", params=query, headers=ada.headers | headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "position_ahead")
        async with listening(server, address(room), ada.headers, after_seq=3) as stream:
            await chat.post(room, ada)
            assert seqs(await stream.messages(1)) == [4]

    async def test_methods(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """A stream can be followed only."""
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await server.request(method, f"{address(new_id())}/stream")
            assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


class TestLostAccess:
    async def ends(self, stream: Listener) -> None:
        """Fails unless the stream ends within 2 seconds and says nothing more."""
        assert await stream.rest(2) == []

    async def test_removed(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """Who is removed is cut off within 2 seconds while the others go on, also in the first moment of a stream."""
        ada, bob = await chat.account(), await chat.account()
        room = await chat.room(ada, bob)
        async with (
            listening(server, address(room), ada.headers) as kept,
            listening(server, address(room), bob.headers) as cut,
        ):
            await chat.remove(room, bob)
            await self.ends(cut)
            await chat.post(room, ada)
            assert seqs(await kept.messages(1)) == [1]

    async def test_removed_in_a_busy_interview(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """The touches of those who post don't hide a removal."""
        ada, bob = await chat.account(), await chat.account()
        room = await chat.room(ada, bob)
        async with listening(server, address(room), bob.headers) as cut:
            await chat.post(room, ada)
            assert len(await cut.messages(1)) == 1
            posting = asyncio.create_task(post_on(chat, room, ada))
            try:
                await asyncio.sleep(0.2)
                await chat.remove(room, bob)
                async with asyncio.timeout(2):
                    while await cut.next():
                        pass
            finally:
                posting.cancel()

    @pytest.mark.parametrize("change", [{"active": False}, {"token_version": 7}])
    async def test_account(self, chat: Chat, server: httpx.AsyncClient, change: dict[str, Any]) -> None:
        """Whoever is deactivated or whose tokens are revoked is cut off within 2 seconds."""
        ada = await chat.account()
        async with listening(server, address(await chat.room(ada)), ada.headers) as stream:
            await chat.database["users"].update_one({"_id": ada.id}, {"$set": change})
            await self.ends(stream)

    async def test_deleted(self, chat: Chat, server: httpx.AsyncClient) -> None:
        """A stream of an interview that is gone ends."""
        ada = await chat.account()
        room = await chat.room(ada)
        async with listening(server, address(room), ada.headers) as stream:
            await chat.database["rooms"].delete_one({"_id": room})
            await self.ends(stream)

    async def test_expired(
        self, chat: Chat, server: httpx.AsyncClient, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A stream ends by the first heartbeat after its token has expired, and asks to come back with a new one."""
        monkeypatch.setattr(follower, "HEARTBEAT_SECONDS", 0.05)
        ada = await chat.account()
        async with listening(server, address(await chat.room(ada)), ada.headers) as stream:
            assert await stream.next()
            clock.move(timedelta(minutes=11))
            *_, last = await stream.rest(2)
            assert last.fields == {"retry": "0"}


async def post_on(chat: Chat, room: str, sender: Account) -> None:
    for _ in range(1000):
        await chat.post(room, sender)


class TestBookkeeping:
    @pytest.mark.parametrize("excluded", [True, False])
    async def test_the_log_of_events(self, chat: Chat, monkeypatch: pytest.MonkeyPatch, *, excluded: bool) -> None:
        """A change of the follower's account makes a check due, and none once its event is in the log."""
        if not excluded:
            monkeypatch.setattr(changes, "_PIPELINE", [])
        ada, bob = await chat.account(), await chat.account()
        room, hub = await chat.room(ada, bob), Hub()
        await chat.parley.require(Relay).drain()
        with hub.subscribed(room, ada.id) as subscription:

            async def is_due() -> bool:
                """Return whether a check has become due, once the hub knows of all changes up to now."""
                before = subscription.mark
                await chat.post(room, bob)
                async with asyncio.timeout(5):
                    while subscription.mark is before:
                        await subscription.wait(5)
                is_due, subscription.needs_recheck = subscription.needs_recheck, False
                return is_due

            async with changes.watching(chat.database, hub), asyncio.timeout(20):
                while not subscription.needs_recheck:
                    await subscription.wait(5)
                subscription.needs_recheck = False
                entry = {"rev": 2, "type": "user.updated", "at": chat.parley.clock()}
                update = {"$push": {"history": entry}, "$set": {"rev": 2}}
                await chat.database["users"].update_one({"_id": ada.id}, update)
                assert await is_due()
                await chat.parley.require(Relay).drain()
                assert await chat.database["users"].count_documents({"_id": ada.id, "history": []}) == 1
                assert await is_due() is not excluded


class TestHousekeeping:
    async def test_client_leaves(self, chat: Chat) -> None:
        """Nothing is kept of a client that has gone."""
        ada = await chat.account()
        room = await chat.room(ada)
        async with chat.served() as server:
            hub = chat.served_app.state.parley.require(Hub)
            for _ in range(5):
                async with listening(server, address(room), ada.headers) as stream:
                    await chat.post(room, ada)
                    await stream.messages(1)
                    assert hub.followers > 0
            async with asyncio.timeout(5):
                while hub.followers:  # noqa: ASYNC110 - nothing tells when a stream has ended
                    await asyncio.sleep(0.01)
