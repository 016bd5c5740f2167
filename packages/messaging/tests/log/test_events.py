"""The events of a log: one for each message, and never what it says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from parley_core import LogEntry
from parley_core.log import relay
from parley_messaging.testing import address

if TYPE_CHECKING:
    import httpx
    from conftest import Chat

    from parley_auth.testing import Account

CANARY = "the canary sings at midnight"


async def post_as(client: httpx.AsyncClient, room: str, sender: Account, request: str, **body: str) -> httpx.Response:
    headers = sender.headers | {"X-Request-ID": request}
    return await client.post(address(room), json={"content": CANARY, **body}, headers=headers)


class TestPosted:
    async def test_entry(self, chat: Chat) -> None:
        """An event says whose message it is, in which log, at which place, and in which request it was posted."""
        ada = await chat.account("interviewer")
        room = await chat.room(ada)
        answer = await post_as(chat.client, room, ada, "trace-7")
        [entry] = await chat.events(room)
        assert entry == LogEntry(
            position=entry.position,
            kind="message_log",
            subject_id=room,
            rev=1,
            type="message.posted",
            at=chat.parley.clock(),
            actor=ada.id,
            actor_role="interviewer",
            request_id=answer.headers["X-Request-ID"],
            reason=None,
            changes={"message_id": {"from": None, "to": answer.json()["id"]}},
            audience=(ada.id,),
        )
        assert (entry.id, entry.request_id) == (f"message_log:{room}:1", "trace-7")

    async def test_two_workers(self, chat: Chat) -> None:
        """Of concurrent posts through two workers each has one event, at its `seq`, with its own sender and request."""
        members = [await chat.account(role) for role in ("admin", "interviewer", "candidate")]
        room = await chat.room(*members)
        async with chat.another_worker() as other:
            clients = (chat.client, other)
            posts = (post_as(clients[n % 2], room, members[n % 3], f"request-{n}") for n in range(60))
            answers = await asyncio.gather(*posts)
        roles = {member.id: member.user.role for member in members}
        expected = {
            message["seq"]: (message["id"], message["sender_id"], roles[message["sender_id"]], f"request-{n}")
            for n, message in enumerate(answer.json() for answer in answers)
        }
        entries = await chat.events(room)
        assert [entry.rev for entry in entries] == list(range(1, 61))
        assert {
            entry.rev: (entry.changes["message_id"]["to"], entry.actor, entry.actor_role, entry.request_id)
            for entry in entries
        } == expected

    async def test_one_write_for_a_batch(self, chat: Chat) -> None:
        """The events of the posts that share a transaction are stored together, by one command."""
        ada = await chat.account()
        room = await chat.room(ada)

        async def posts() -> httpx.Response:
            answers = await asyncio.gather(*(chat.post(room, ada) for _ in range(40)))
            return answers[0]

        _, entries = await chat.profile(posts)
        stored = [entry for entry in entries if entry["op"] == "insert"]
        batches = [entry for entry in stored if entry["ns"].endswith(".messages")]
        assert len(stored) == 2 * len(batches) < 40
        assert len(await chat.events(room)) == 40


class TestContent:
    async def test_canary(self, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither what waits for the log nor the log contains a message's text or its `client_message_id`."""
        monkeypatch.setattr(relay, "_GATHER_SECONDS", 60)
        ada = await chat.account()
        room = await chat.room(ada)
        await post_as(chat.client, room, ada, "trace-7", client_message_id="canary-id")

        async def found(collection: str) -> str:
            documents = await chat.database[collection].find().to_list()
            assert documents, collection
            return str(documents)

        waiting = await found("outbox")
        assert len(await chat.events(room)) == 1
        for text in (waiting, await found("events")):
            assert room in text
            assert "canary" not in text
        assert (await found("messages")).count("canary") == 2


class TestNothingNew:
    async def test_again(self, chat: Chat) -> None:
        """A message that is posted again has the event of the first request only, also when all come at once."""
        ada = await chat.account()
        room = await chat.room(ada)
        posts = (post_as(chat.client, room, ada, f"request-{n}", client_message_id="one") for n in range(12))
        answers = await asyncio.gather(*posts)
        again = await post_as(chat.client, room, ada, "late", client_message_id="one")
        [new] = [answer for answer in answers if answer.status_code == 201]
        assert [again.status_code, *{a.status_code for a in answers if a is not new}] == [200, 200]
        [entry] = await chat.events(room)
        assert (entry.rev, entry.request_id) == (1, new.headers["X-Request-ID"])

    async def test_again_on_two_workers(self, chat: Chat) -> None:
        """The event of a message that two workers are asked for has the request that was answered 201."""
        ada = await chat.account()
        async with chat.another_worker() as other:
            for _ in range(5):
                room = await chat.room(ada)
                posts = (
                    post_as(client, room, ada, f"request-{n}", client_message_id="one")
                    for n, client in enumerate([chat.client, other] * 4)
                )
                [new] = [a for a in await asyncio.gather(*posts) if a.status_code == 201]
                [entry] = await chat.events(room)
                assert entry.request_id == new.headers["X-Request-ID"]

    async def test_refused(self, chat: Chat) -> None:
        """A post that is refused, before its transaction or in it, has no event."""
        ada, bob, eve = [await chat.account() for _ in range(3)]
        room = await chat.room(ada, bob)
        await post_as(chat.client, room, ada, "first", client_message_id="one")
        refused = [
            await post_as(chat.client, room, ada, "other content", client_message_id="one", content="x"),
            await post_as(chat.client, room, ada, "blank", content=""),
            await post_as(chat.client, room, eve, "stranger"),
        ]
        chat.rooms.interlude = lambda: chat.remove(room, bob)
        refused.append(await post_as(chat.client, room, bob, "removed"))
        chat.rooms.interlude = lambda: chat.close(room)
        refused.append(await post_as(chat.client, room, ada, "closed"))
        assert [answer.status_code for answer in refused] == [400, 400, 403, 403, 400]
        assert [entry.request_id for entry in await chat.events(room)] == ["first"]
        assert await chat.database["outbox"].find_one() is None


async def test_a_log_from_before(chat: Chat) -> None:
    """Messages that were stored before there were events have none; the events begin with the first new message."""
    ada = await chat.account()
    room = await chat.room(ada)
    await chat.fill(room, [ada], 5)
    assert await chat.events(room) == []
    await chat.post(room, ada)
    assert [entry.rev for entry in await chat.events(room)] == [6]
