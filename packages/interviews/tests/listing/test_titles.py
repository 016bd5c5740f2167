"""Titles are sorted without regard to case and accents, those of an older release too."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from parley_auth.testing import Account
from parley_core import Database
from parley_core.testing import walk
from parley_interviews.interviews.title_words import TitleWords
from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

IN_ORDER = ("Äpfel", "avocado", "Éclair", "eclair", "ECLAIR", "Łódź", "lodz", "naïve", "Zebra", "zebra", "Žižkov")


async def titles(client: httpx.AsyncClient, viewer: Account, query: str) -> list[str]:
    """The titles of a list that is walked along `next`."""
    pages = [page.json() async for page in walk(client, f"/v1/interviews?{query}", headers=viewer.headers)]
    return [item["title"] for page in pages for item in page["items"]]


async def create_all(client: httpx.AsyncClient, people: People) -> list[dict[str, Any]]:
    """An interview with each title, out of order."""
    mixed = (*IN_ORDER[::2], *IN_ORDER[1::2])
    return [await create_interview(client, people.admin, people.interviewer, title=title) for title in mixed]


def is_in_order(found: list[str]) -> bool:
    """Whether titles are in order; those that are alike are so in any order, each once."""
    groups = (("Éclair", "eclair", "ECLAIR"), ("Łódź", "lodz"), ("Zebra", "zebra"))
    of_group = {title: group[0] for group in groups for title in group}
    assert sorted(found) == sorted(IN_ORDER)
    return [of_group.get(title, title) for title in found] == [of_group.get(title, title) for title in IN_ORDER]


@pytest.mark.parametrize(
    "rest", ["", "&status=scheduled", "&interview_type=technical", "&overlaps_to=2030-01-01T00:00:00Z"]
)
async def test_sorted(client: httpx.AsyncClient, people: People, rest: str) -> None:
    """Zebra follows avocado in either case, whatever narrows the list, and a walk gives titles that are alike once."""
    await create_all(client, people)
    for limit in (2, 100):
        assert is_in_order(await titles(client, people.interviewer, f"sort=title&limit={limit}{rest}"))
        backwards = await titles(client, people.interviewer, f"sort=-title&limit={limit}{rest}")
        assert is_in_order(backwards[::-1])


async def test_with_other_keys(client: httpx.AsyncClient, people: People) -> None:
    """Titles are one key of several; those that are alike are sorted by the next one."""
    for title, day in (("zebra", 2), ("Zebra", 1), ("ZÉBRA", 3), ("avocado", 1)):
        scheduled_at = f"2027-03-0{day}T09:00:00Z"
        await create_interview(client, people.admin, people.interviewer, title=title, scheduled_at=scheduled_at)
    by_title = await titles(client, people.interviewer, "sort=title,-scheduled_at&limit=1")
    assert by_title == ["avocado", "ZÉBRA", "zebra", "Zebra"]
    by_time = await titles(client, people.interviewer, "sort=-scheduled_at,title&limit=1")
    assert by_time == ["ZÉBRA", "zebra", "avocado", "Zebra"]


async def test_renamed(client: httpx.AsyncClient, people: People) -> None:
    """A changed title has its new place in the next list."""
    created = await create_all(client, people)
    last = next(one for one in created if one["title"] == "Žižkov")
    await client.patch(address_of(last), json={"title": "aardvark"}, headers=people.admin.headers)
    assert (await titles(client, people.interviewer, "sort=title"))[0] == "aardvark"


async def test_of_an_older_release(
    deployment: Deployment,
    database: Database,
    client: httpx.AsyncClient,
    people: People,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Interviews that an older release stored get their places beside the first requests of a start."""
    caplog.set_level(logging.INFO, "parley.words")
    ids = [one["id"] for one in await create_all(client, people)]
    lacking = {"title_words": True, "title_key": True, "ends_at": True, "updated_at": True}
    await database["interviews"].update_many({"_id": {"$in": ids}}, {"$unset": lacking})
    assert not is_in_order(await titles(client, people.interviewer, "sort=title"))
    async with deployment.worker() as worker, asyncio.timeout(30):
        while not any("of an earlier release are complete" in message for message in caplog.messages):
            assert (await worker.get("/v1/users/me", headers=people.admin.headers)).status_code == 200
        assert is_in_order(await titles(worker, people.interviewer, "sort=title&limit=2"))
        span = "overlaps_from=2027-03-05T10:29:00Z&updated_from=2027-01-01T00:00:00Z"
        assert len(await titles(worker, people.interviewer, span)) == len(ids)
    assert await database["interviews"].count_documents({"_id": {"$in": ids}, "title_key": {"$exists": False}}) == 0


async def test_changed_meanwhile(
    monkeypatch: pytest.MonkeyPatch, database: Database, client: httpx.AsyncClient, people: People
) -> None:
    """An interview that is renamed between reading and writing keeps the place of its new title."""
    interview = await create_interview(client, people.admin, people.interviewer, title="Zebra")
    await database["interviews"].update_one(
        {"_id": interview["id"]}, {"$unset": {"title_words": True, "title_key": True}}
    )
    collection = type(database["interviews"])
    plain = collection.bulk_write

    async def renaming_first(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(collection, "bulk_write", plain)
        await client.patch(address_of(interview), json={"title": "Avocado"}, headers=people.admin.headers)
        return await plain(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(collection, "bulk_write", renaming_first)
    await TitleWords(database).complete()
    stored = await database["interviews"].find_one({"_id": interview["id"]})
    assert stored
    assert stored["title_key"] == "avocado"
