"""The same message asked for twice is posted once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from parley_messaging.testing import address

if TYPE_CHECKING:
    import httpx
    from conftest import Chat


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_again(chat: Chat) -> None:
    """A repeated post answers 200 with the message that the first one stored."""
    member = await chat.account()
    room = await chat.room(member)
    first = await chat.post(room, member, client_message_id="one")
    again = await chat.post(room, member, client_message_id="one")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(await chat.stored(room)) == 1


async def test_other_content(chat: Chat) -> None:
    """The name of one message can't be given to another, not even in one batch; the first stays as it was."""
    member = await chat.account()
    room = await chat.room(member)
    first, other = await asyncio.gather(
        chat.post(room, member, "Hello", client_message_id="one"),
        chat.post(room, member, "Bye", client_message_id="one"),
    )
    later = await chat.post(room, member, "Late", client_message_id="one")
    assert {first.status_code, other.status_code} == {201, 400}
    refused = other if first.status_code == 201 else first
    assert outcome(refused) == outcome(later) == (400, "client_message_id_reused")
    assert len(await chat.stored(room)) == 1


async def test_names_are_ones_own(chat: Chat) -> None:
    """Two senders may use one name, and a sender may use it in two interviews."""
    ada, bob = await chat.account(), await chat.account()
    rooms = [await chat.room(ada, bob), await chat.room(ada, bob)]
    for room in rooms:
        for sender in (ada, bob):
            assert (await chat.post(room, sender, client_message_id="one")).status_code == 201


async def test_without_a_name(chat: Chat) -> None:
    """Posts without a name are always new; null is no name."""
    member = await chat.account()
    room = await chat.room(member)
    for body in ({"content": "x"}, {"content": "x"}, {"content": "x", "client_message_id": None}):
        answer = await chat.client.post(address(room), json=body, headers=member.headers)
        assert answer.status_code == 201
    assert len(await chat.stored(room)) == 3


async def test_concurrently_on_two_workers(chat: Chat) -> None:
    """Of many equal posts at once on two workers exactly one is new, and all answer the same message."""
    member = await chat.account()
    async with chat.another_worker() as other:
        for _ in range(5):
            room = await chat.room(member)
            body = {"content": "x", "client_message_id": "one"}
            posts = (
                client.post(address(room), json=body, headers=member.headers)
                for _ in range(8)
                for client in (chat.client, other)
            )
            answers = await asyncio.gather(*posts)
            assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
            assert len({answer.text for answer in answers}) == 1
            assert len(await chat.stored(room)) == 1


async def test_among_others_in_a_batch(chat: Chat) -> None:
    """Repeated and new posts that share a batch leave a dense log, each name in it once."""
    members = [await chat.account(role) for role in ("admin", "interviewer", "candidate")]
    room = await chat.room(*members)
    posts = [chat.post(room, members[n % 3], f"{n % 6}", client_message_id=f"{n % 6}") for n in range(36)]
    answers = await asyncio.gather(*posts, *(chat.post(room, members[0]) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200, 201}
    stored = await chat.stored(room)
    assert sorted(message["seq"] for message in stored) == list(range(1, 13))
    assert sum(answer.status_code == 201 for answer in answers) == 12


async def test_after_the_close(chat: Chat) -> None:
    """Who has lost the answer to a post gets it after the interview was closed too; a new post is refused."""
    member = await chat.account()
    room = await chat.room(member)
    first = await chat.post(room, member, client_message_id="one")
    await chat.close(room)
    again, new, other = await asyncio.gather(
        chat.post(room, member, client_message_id="one"),
        chat.post(room, member, client_message_id="two"),
        chat.post(room, member, "Bye", client_message_id="one"),
    )
    assert (again.status_code, again.json()) == (200, first.json())
    assert outcome(new) == (400, "interview_closed")
    assert outcome(other) == (400, "client_message_id_reused")


async def test_after_removal(chat: Chat) -> None:
    """A removed participant learns nothing, not even about their own message."""
    member = await chat.account()
    room = await chat.room(member)
    await chat.post(room, member, client_message_id="one")
    await chat.remove(room, member)
    assert outcome(await chat.post(room, member, client_message_id="one")) == (403, "not_a_participant")


@pytest.mark.parametrize("name", ["", "x" * 129, 1, ["one"], {"$gt": ""}, True], ids=repr)
async def test_malformed(chat: Chat, name: object) -> None:
    """A name is a text of 1 to 128 characters."""
    member = await chat.account()
    room = await chat.room(member)
    body = {"content": "x", "client_message_id": name}
    answer = await chat.client.post(address(room), json=body, headers=member.headers)
    assert outcome(answer) == (400, "validation_error")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/client_message_id"]


async def test_any_text(chat: Chat) -> None:
    """A name is compared exactly, whatever its characters."""
    member = await chat.account()
    room = await chat.room(member)
    for name in ("$one", "a.b", "é", "e\u0301", " one", "one\x00", "😀" * 128, "ONE", "one"):
        statuses = [(await chat.post(room, member, client_message_id=name)).status_code for _ in range(2)]
        assert statuses == [201, 200], name


async def test_index(chat: Chat) -> None:
    """Names are looked up along their index, in the transaction that posts."""
    ada, bob = await chat.account(), await chat.account()
    room = await chat.room(ada, bob)
    await chat.fill(room, [ada, bob], 500)
    for status in (201, 200):
        answer, entries = await chat.profile(lambda: chat.post(room, ada, client_message_id="one"))
        assert answer.status_code == status
        [lookup] = [entry for entry in entries if "client_message_id" in str(entry["command"].get("filter"))]
        assert "client_message_id" in lookup["planSummary"]
        assert lookup["docsExamined"] <= 1
