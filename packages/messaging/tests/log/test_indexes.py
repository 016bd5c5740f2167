"""What MongoDB does to answer each documented query, as its own profiler tells."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Chat

    from parley_core import Document

LENGTH, LIMIT = 3000, 20
BOUNDS: list[dict[str, int]] = [
    {},
    {"offset": 2900},
    {"after_seq": 100},
    {"before_seq": 2900},
    {"after_seq": 100, "before_seq": 2900, "offset": 40},
]
QUERIES = [{"sort": sort, **bounds} for sort in ("seq", "-seq") for bounds in BOUNDS]


def named(query: dict[str, Any]) -> str:
    return "&".join(f"{name}={value}" for name, value in query.items())


def work(entries: list[Document]) -> tuple[int, int]:
    """Return how many keys and documents were examined; fail for a query plan that scans, or sorts in memory."""
    for entry in entries:
        assert "COLLSCAN" not in entry["planSummary"], entry
        assert not entry.get("hasSortStage"), entry
    return sum(entry["keysExamined"] for entry in entries), sum(entry["docsExamined"] for entry in entries)


async def test_plan(chat: Chat, subtests: pytest.Subtests) -> None:
    """Every order and every window costs the page and the head, wherever the page lies, and skips nothing."""
    ada, bob = await chat.account(), await chat.account()
    room = await chat.room(ada, bob)
    await chat.fill(room, [ada, bob], LENGTH)
    for query in QUERIES:
        with subtests.test(named(query)):
            answer, entries = await chat.profile(partial(chat.read, room, ada, limit=LIMIT, **query))
            assert len(answer.json()["items"]) == LIMIT
            keys, documents = work(entries)
            assert keys <= LIMIT + 2
            assert documents <= LIMIT + 2  # the head is read twice: once to check a cached page, once for a new one
            assert not any("skip" in entry["command"] for entry in entries)


async def test_plan_of_sender(chat: Chat, subtests: pytest.Subtests) -> None:
    """One sender's messages are counted and found along their own index: no other sender's are looked at."""
    ada, bob = await chat.account(), await chat.account()
    room = await chat.room(ada, bob)
    await chat.fill(room, [*[ada] * 29, bob], LENGTH)
    for query in QUERIES:
        near = query | {"offset": min(query.get("offset", 0), 50)}
        with subtests.test(named(near)):
            answer, entries = await chat.profile(partial(chat.read, room, ada, limit=LIMIT, sender_id=bob.id, **near))
            assert len(answer.json()["items"]) == LIMIT
            total = answer.json()["total"]
            assert total <= LENGTH / 30
            keys, _ = work(entries)
            assert keys <= 2 * total + 4


async def test_profile_notices(chat: Chat) -> None:
    """The checks above fail for a query that scans and for one that sorts in memory."""
    ada = await chat.account()
    room = await chat.room(ada)
    await chat.fill(room, [ada], 30)
    messages = chat.database["messages"]

    for careless in (messages.find({"content": "x"}), messages.find({"log_id": room}).sort("content", 1)):

        async def carelessly() -> Any:
            return await careless.to_list()  # noqa: B023 - awaited at once

        _, entries = await chat.profile(carelessly)
        assert len(entries) == 1
        with pytest.raises(AssertionError):
            work(entries)


async def test_seq_is_unique(chat: Chat) -> None:
    """The database itself refuses a second message at one place."""
    ada = await chat.account()
    room = await chat.room(ada)
    await chat.post(room, ada)
    [index] = [i for i in await (await chat.database["messages"].list_indexes()).to_list() if i["name"] == "log_seq"]
    assert (index["key"], index["unique"]) == ({"log_id": 1, "seq": 1}, True)
