"""Messages that lack a field, as an earlier release wrote them: every route reads them, with a default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from parley_messaging.testing import address, listening

if TYPE_CHECKING:
    from conftest import Chat

MISSING = ["created_at", "client_message_id"]


@pytest.mark.parametrize("field", MISSING)
async def test_every_route(chat: Chat, field: str) -> None:
    """Pages in both directions, of one sender, posting again and the stream answer for a message that lacks a field."""
    ada = await chat.account()
    room = await chat.room(ada)
    for number in range(3):
        assert (await chat.post(room, ada, f"{number}", client_message_id=f"id {number}")).status_code == 201
    await chat.database["messages"].update_one({"log_id": room, "seq": 2}, {"$unset": {field: True}})
    queries: list[dict[str, Any]] = [{}, {"sort": "-seq"}, {"sender_id": ada.id}, {"after_seq": 1}, {"before_seq": 3}]
    pages = [await chat.read(room, ada, **query) for query in queries]
    assert [page.status_code for page in pages] == [200] * 5
    [old] = [item for item in pages[0].json()["items"] if item["seq"] == 2]
    assert old["content"] == "1"
    assert (old["created_at"] == "1970-01-01T00:00:00Z") == (field == "created_at")
    again = await chat.post(room, ada, "0", client_message_id="id 0")
    assert (again.status_code, again.json()["seq"]) == (200, 1)
    async with chat.served() as server, listening(server, address(room), ada.headers) as stream:
        assert (await stream.messages(3))[1] == old


async def test_posted_again(chat: Chat) -> None:
    """A message that is posted again is found and answered although it lacks its time."""
    ada = await chat.account()
    room = await chat.room(ada)
    await chat.post(room, ada, "x", client_message_id="mine")
    await chat.database["messages"].update_one({"log_id": room}, {"$unset": {"created_at": True}})
    again = await chat.post(room, ada, "x", client_message_id="mine")
    assert (again.status_code, again.json()["created_at"]) == (200, "1970-01-01T00:00:00Z")
