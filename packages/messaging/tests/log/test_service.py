"""What concurrent posts, closings and removals do to a log."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING

import pytest
from counts import rounds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    import httpx
    from conftest import Chat

    from parley_auth.testing import Account

ROUNDS = rounds(8, full=50)


async def dense_log(chat: Chat, room: str, reader: Account) -> list[str]:
    """The log's contents, once it is sure that head, order and `seq` agree."""
    page = (await chat.read(room, reader, limit=100)).json()
    assert [message["seq"] for message in page["items"]] == list(range(1, page["total"] + 1))
    assert len(await chat.stored(room)) == page["total"]
    return [message["content"] for message in page["items"]]


class TestConcurrentPosts:
    async def test_fifty_at_once(self, chat: Chat) -> None:
        """Of 50 concurrent posts all succeed, and their places are 1 to 50."""
        members = [await chat.account(role) for role in ("admin", "interviewer", "candidate")]
        room = await chat.room(*members)
        answers = await asyncio.gather(*(chat.post(room, members[n % 3], f"{n}") for n in range(50)))
        assert {answer.status_code for answer in answers} == {201}
        contents = await dense_log(chat, room, members[0])
        assert contents == [a.json()["content"] for a in sorted(answers, key=lambda a: a.json()["seq"])]
        assert sorted(contents, key=int) == [f"{n}" for n in range(50)]

    async def test_two_workers(self, chat: Chat) -> None:
        """Applications that share nothing but the database write one dense log."""
        member = await chat.account()
        room = await chat.room(member)
        async with chat.another_worker() as other:
            url = f"/v1/interviews/{room}/messages"
            posts = (
                client.post(url, json={"content": f"{n}"}, headers=member.headers)
                for n in range(15)
                for client in (chat.client, other)
            )
            answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} == {201}
        assert len(await dense_log(chat, room, member)) == 30

    async def test_order_of_answers(self, chat: Chat) -> None:
        """A post that follows an answer comes after it in the log, whichever worker takes it."""
        member = await chat.account()
        room = await chat.room(member)
        answered = 0

        async def post_often(client: httpx.AsyncClient) -> None:
            nonlocal answered
            for _ in range(10):
                before = answered
                answer = await client.post(
                    f"/v1/interviews/{room}/messages", json={"content": "x"}, headers=member.headers
                )
                assert answer.json()["seq"] > before
                answered = max(answered, answer.json()["seq"])

        async with chat.another_worker() as other:
            await asyncio.gather(*(post_often(client) for client in (chat.client, other, chat.client)))
        assert answered == 30

    async def test_readers_see_no_gap(self, chat: Chat) -> None:
        """A reader who continues after the last message that they have seen misses none, while others post."""
        member = await chat.account()
        room = await chat.room(member)
        posts = asyncio.gather(*(chat.post(room, member, f"{n}") for n in range(40)))
        seen: list[int] = []
        while len(seen) < 40:
            page = (await chat.read(room, member, after_seq=len(seen), limit=100)).json()
            seen += [message["seq"] for message in page["items"]]
            assert page["total"] == len(page["items"])
        assert {answer.status_code for answer in await posts} == {201}
        assert seen == list(range(1, 41))


class TestMeanwhile:
    """What happens between a guard's reading and the transaction."""

    @pytest.mark.parametrize(
        ("update", "expected"),
        [
            ({"$set": {"state": "cancelled"}}, (400, "interview_closed")),
            ({"$set": {"participants": []}}, (403, "not_a_participant")),
            (None, (404, "interview_not_found")),
        ],
        ids=["closed", "removed", "gone"],
    )
    async def test_the_transaction_decides(
        self, chat: Chat, update: dict[str, object] | None, expected: tuple[int, str]
    ) -> None:
        """A post that its guard let through is refused when the interview changed since, and nothing is written."""
        member = await chat.account()
        room = await chat.room(member)

        async def interlude() -> None:
            rooms = chat.database["rooms"]
            await (rooms.update_one({"_id": room}, update) if update else rooms.delete_one({"_id": room}))

        chat.rooms.interlude = interlude
        answer = await chat.post(room, member)
        assert (answer.status_code, answer.json()["code"]) == expected
        assert await chat.stored(room) == []
        assert await chat.database["message_logs"].find_one({"_id": room}) is None

    @pytest.mark.parametrize("hide_existence", [True])
    async def test_hidden(self, chat: Chat) -> None:
        """Where existence is hidden, somebody who was removed meanwhile gets the same answer as every outsider."""
        member = await chat.account()
        room = await chat.room(member)
        chat.rooms.interlude = lambda: chat.remove(room, member)
        for _ in ("removed meanwhile", "removed before"):
            answer = await chat.post(room, member)
            assert (answer.status_code, answer.json()["code"]) == (404, "interview_not_found")
        assert await chat.stored(room) == []


@pytest.mark.attack
class TestRaces:
    async def test_close(self, chat: Chat) -> None:
        """No message or event commits after the close: the head stays what the closing transaction saw."""
        member = await chat.account()
        outcomes: set[int] = set()
        for within in _delays(outcomes, {201, 400}):
            room = await chat.room(member)
            refusal = (400, "interview_closed")
            outcomes |= await _race(chat, room, member, chat.close, within=within, refusal=refusal)
        assert outcomes >= {201, 400}, "the rounds must have met both orders"

    async def test_removal(self, chat: Chat) -> None:
        """No message of a removed participant commits after the removal, and no event of one."""
        member = await chat.account()
        outcomes: set[int] = set()
        for within in _delays(outcomes, {201, 403}):
            room = await chat.room(member)
            refusal = (403, "not_a_participant")
            change = partial(chat.remove, member=member)
            outcomes |= await _race(chat, room, member, change, within=within, refusal=refusal)
        assert outcomes >= {201, 403}, "the rounds must have met both orders"


def _delays(outcomes: set[int], wanted: set[int]) -> Iterator[float]:
    """The longest delay of each round; a busy machine takes more rounds, with longer ones, to meet both orders."""
    for number in range(10 * ROUNDS):
        if number >= ROUNDS and outcomes >= wanted:
            return
        yield 0.03 * (1 + number // ROUNDS)


async def _race(
    chat: Chat,
    room: str,
    member: Account,
    change: Callable[[str], Awaitable[int]],
    *,
    within: float,
    refusal: tuple[int, str],
) -> set[int]:
    """Posts against a change; the statuses of the answers, once it is sure that the change was the last word."""

    async def later() -> int:
        await asyncio.sleep(random.uniform(0, within))  # noqa: S311 - no secret depends on it
        return await change(room)

    head, answers = await asyncio.gather(later(), asyncio.gather(*(chat.post(room, member) for _ in range(6))))
    answers.append(await chat.post(room, member))
    posted = [answer.json()["seq"] for answer in answers if answer.status_code == 201]
    assert sorted(posted) == list(range(1, head + 1))
    assert [message["seq"] for message in await chat.stored(room)] == list(range(1, head + 1))
    assert {(a.status_code, a.json()["code"]) for a in answers if a.status_code != 201} == {refusal}
    assert [entry.rev for entry in await chat.events(room)] == list(range(1, head + 1))
    return {answer.status_code for answer in answers[:-1]}
