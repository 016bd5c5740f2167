"""A log as the release before stored it, under other names: every route of the next start goes on where it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pymongo import IndexModel, MongoClient

from parley_core import new_id
from parley_core.data.schema_numbers import schema_numbers
from parley_core.kernel.settings import CoreSettings
from parley_messaging.testing import address, listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conftest import Chat

    from parley_auth.testing import Account

INDEXES = [
    IndexModel([("interview_id", 1), ("seq", 1)], name="seq", unique=True),
    IndexModel([("interview_id", 1), ("sender_id", 1), ("seq", 1)], name="sender"),
    IndexModel(
        [("interview_id", 1), ("sender_id", 1), ("client_message_id", 1)],
        name="client_message_id",
        unique=True,
        partialFilterExpression={"client_message_id": {"$gt": ""}},
    ),
]
COUNT = 25


@pytest.fixture
def core_settings(mongodb_uri: str) -> Iterator[CoreSettings]:
    """A database of each test's own, since its indexes are others."""
    name = f"test_{new_id()}"
    yield CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=name)  # type: ignore[arg-type]
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        client.drop_database(name)


async def store_as_before(chat: Chat, *rooms: str, senders: Sequence[Account]) -> None:
    """Turn the database into what the release before left behind; the senders have written in turn."""
    messages = chat.database["messages"]
    await messages.drop_indexes()
    await messages.create_indexes(INDEXES)
    await messages.insert_many(
        {
            "_id": new_id(),
            "interview_id": room,
            "seq": seq,
            "sender_id": senders[seq % len(senders)].id,
            "content": f"message {seq}",
            "created_at": chat.parley.clock(),
            "client_message_id": f"id {seq}",
        }
        for room in rooms
        for seq in range(1, COUNT + 1)
    )
    await chat.database["message_logs"].insert_many({"_id": room, "last_seq": COUNT} for room in rooms)
    await chat.database["stored_format"].update_one({}, {"$set": {"number": 1}})
    await chat.database["schema_numbers"].delete_many({})


async def test_every_route(chat: Chat) -> None:
    """Pages, one sender's pages, posting, posting again and the stream of the next start know the stored messages."""
    ada, bob = await chat.account(), await chat.account()
    room, other = await chat.room(ada, bob), await chat.room(ada, bob)
    await store_as_before(chat, room, other, senders=[ada, bob])
    async with chat.another_worker() as chat.client:
        page = (await chat.read(room, ada, limit=100)).json()
        assert page["total"] == COUNT
        assert [(item["interview_id"], item["seq"]) for item in page["items"]] == [(room, n + 1) for n in range(COUNT)]
        bobs = (await chat.read(room, ada, sender_id=bob.id, sort="-seq")).json()
        assert [item["seq"] for item in bobs["items"]] == list(range(COUNT, 0, -2))
        again = await chat.post(room, bob, "message 7", client_message_id="id 7")
        assert (again.status_code, again.json()) == (200, page["items"][6])
        new = await chat.post(room, ada, "new")
        assert (new.status_code, new.json()["seq"]) == (201, COUNT + 1)
    async with chat.served() as server, listening(server, address(room), ada.headers) as stream:
        assert await stream.messages(COUNT + 1) == [*page["items"], new.json()]


async def test_indexes(chat: Chat) -> None:
    """The next start leaves the indexes of this release, no other ones, and no document with the former field."""
    expected = await chat.database["messages"].index_information()
    ada = await chat.account()
    await store_as_before(chat, await chat.room(ada), senders=[ada])
    async with chat.another_worker():
        assert await chat.database["messages"].index_information() == expected
    assert await chat.database["stored_format"].find_one() == {"_id": "format", "number": 2}
    assert (await schema_numbers(chat.database))["messaging"] == 1
    assert not await chat.database["messages"].find_one({"interview_id": {"$exists": True}})


async def test_without_a_start(chat: Chat) -> None:
    """The check sees messages that aren't there: before the next start, nothing finds them."""
    ada = await chat.account()
    room = await chat.room(ada)
    await store_as_before(chat, room, senders=[ada])
    page = (await chat.read(room, ada)).json()
    assert (page["total"], page["items"]) == (COUNT, [])
