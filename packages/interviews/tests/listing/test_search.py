"""Titles are found by what people type: without accents and apostrophes, by characters, by beginnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core import Database, Document
from parley_core.words import SPELLING
from parley_interviews.indexes import INTERVIEWS
from parley_interviews.interviews.title_words import TitleWords, sought, title_words
from parley_interviews.testing import create_interview

if TYPE_CHECKING:
    from conftest import Deployment

LONG = "Senior Backend Engineer for Payments and Billing in our Berlin or Kraków office second round with Ada"
TITLES = {
    "josé": "José Muñoz, système",
    "röder": "Gespräch mit Röder",
    "istanbul": "İstanbul office",
    "brien": "Talk with O’Brien",
    "java": "Java developer",
    "javascript": "JavaScript developer (infrastructure)",
    "kraft": "Donaudampfschifffahrtsgesellschaft",
    "japanese": "バックエンドエンジニア 二次面接",
    "chinese": "高级后端工程师面试",
    "korean": "백엔드 개발자",
    "thai": "สัมภาษณ์นักพัฒนา",
    "french": "Chef de l'ingénierie",
    "c": "C++ and .NET",
    "long": LONG,
}
# What the relay takes away meanwhile.
UNRELAYED = {"history": False}
QUERIES: Mapping[str, set[str]] = {
    "jose munoz": {"josé"},
    "JOSÉ MUÑOZ": {"josé"},
    "munoz system": {"josé"},
    "roder": {"röder"},
    "istanbul": {"istanbul"},
    "ISTANBUL": {"istanbul"},
    "ıstanbul": {"istanbul"},
    "obrien": {"brien"},
    "O'Brien": {"brien"},
    "oʼbri": {"brien"},
    "brien": {"brien"},
    "ingenierie": {"french"},
    "l’ingénierie": {"french"},
    "backe": {"long"},
    "b": set(),
    "be": {"long"},
    "ja": {"java", "javascript"},
    "java developer": {"java"},
    "developer java": {"java", "javascript"},
    "jav developer": set(),
    "infrastruc": {"javascript"},
    "infrastructures": set(),
    "donaudampfschifffahrts": {"kraft"},
    "donaudampfschifffahrtsgesellschaft": {"kraft"},
    "面接": {"japanese"},
    "エンジニア": {"japanese"},
    "面": {"japanese", "chinese"},
    "后端工程师": {"chinese"},
    "后端经理": set(),
    "개발": {"korean"},
    "발자": {"korean"},
    "นักพัฒนา": {"thai"},
    "C++": {"c"},
    ".net": {"c"},
    LONG: {"long"},
    f"{LONG} and more": {"long"},
    "senior backend engineer for payments and billing in our berlin paris": {"long"},
    "senior backend engineer for payments and billing in their": set(),
}


@pytest.fixture(scope="module")
async def admin(app: FastAPI) -> Account:
    return await an_account(app, "admin")


@pytest.fixture(scope="module")
async def member(app: FastAPI) -> Account:
    return await an_account(app, "interviewer")


@pytest.fixture(scope="module")
async def ids(app: FastAPI, client: httpx.AsyncClient, admin: Account, member: Account) -> dict[str, str]:
    """The keys of `TITLES` by id."""
    words = app.state.parley.require(TitleWords)
    await words.complete()
    assert words.are_complete
    return {(await create_interview(client, admin, member, title=title))["id"]: key for key, title in TITLES.items()}


async def found(client: httpx.AsyncClient, viewer: Account, q: str, **more: str) -> set[str]:
    answer = await client.get("/v1/interviews", params={"q": q, "limit": 100, **more}, headers=viewer.headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["items"])
    return {item["id"] for item in answer.json()["items"]}


@pytest.mark.parametrize("q", QUERIES, ids=ascii)
async def test_found(client: httpx.AsyncClient, admin: Account, member: Account, ids: dict[str, str], q: str) -> None:
    """Each finds what it should and nothing else, in any order, for administrators and participants."""
    for viewer in (admin, member):
        assert {ids[id_] for id_ in await found(client, viewer, q)} == QUERIES[q]
    assert {ids[id_] for id_ in await found(client, admin, q, sort="title", status="scheduled")} == QUERIES[q]


@pytest.mark.parametrize("q", ["+++", "\N{GRINNING FACE}", "'", "\N{COMBINING ACUTE ACCENT}"], ids=ascii)
async def test_nothing_to_look_for(client: httpx.AsyncClient, admin: Account, q: str) -> None:
    """A text without a letter or a digit is refused, and the parameter is named."""
    answer = await client.get("/v1/interviews", params={"q": q}, headers=admin.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == "?q"


class TestStored:
    def test_terms(self) -> None:
        """A word, its beginnings of 2 to 16 letters, and the mark of the spelling."""
        assert title_words("Röder C 面") == ["=roder", "ro", "rod", "rode", "roder", "c", "面", SPELLING]
        assert len(title_words("x" * 200)) == 1 + 15 + 1

    @pytest.mark.parametrize(
        "title", ["ab " * 67, "a'" * 100, "\ufdfa" * 200, "x" * 200, LONG, " ".join(map(str, range(53)))]
    )
    def test_bounds(self, title: str) -> None:
        """However a title of 200 characters is made, its stored words stay few."""
        assert len(title_words(title[:200])) <= 400

    def test_of_an_earlier_release(self) -> None:
        """Until all titles have this release's words, other words than the last are looked for by beginnings too."""
        assert sought("java developer") == ["=java", "developer"]
        assert sought("java developer", whole=False) == ["java", "developer"]


class TestEarlierRelease:
    @pytest.fixture
    async def old(self, client: httpx.AsyncClient, database: Database, admin: Account) -> Document:
        """An interview as an earlier release has stored its words."""
        created = await create_interview(client, admin, title="Vorgängerin und Café")
        words = {"title_words": ["vorgängerin", "und", "café"]}
        await database[INTERVIEWS].update_one({"_id": created["id"]}, {"$set": words})
        return dict(await database[INTERVIEWS].find_one({"_id": created["id"]}, UNRELAYED) or {})

    async def test_completed_at_start(
        self, client: httpx.AsyncClient, database: Database, deployment: Deployment, admin: Account, old: Document
    ) -> None:
        """A start gives it its words, and nothing else of it changes."""
        assert await found(client, admin, "vorgangerin und") == set()
        application = deployment.application()
        async with application.router.lifespan_context(application):
            words = application.state.parley.require(TitleWords)
            await words.complete()
            assert words.are_complete
        stored = await database[INTERVIEWS].find_one({"_id": old["_id"]}, UNRELAYED)
        assert stored == old | {"title_words": title_words(old["title"])}
        assert await found(client, admin, "vorganger", offset="0") == {old["_id"]}

    async def test_found_as_before(self, database: Database, old: Document) -> None:
        """Until then its words are found as they are stored."""
        words = {"$all": list(sought("und café"[:3], whole=False))}
        assert await database[INTERVIEWS].count_documents({"_id": old["_id"], "title_words": words}) == 1

    async def test_a_complete_collection_is_counted_only(self, database: Database, old: Document) -> None:
        """A start after that looks at no interview."""
        words = TitleWords(database)
        await words.complete()
        await database["system.profile"].drop()
        await database.command("profile", 2)
        try:
            await words.complete()
        finally:
            await database.command("profile", 0)
        seen = await database["system.profile"].find({"ns": f"{database.name}.{INTERVIEWS}"}).to_list()
        assert [entry["docsExamined"] for entry in seen if "aggregate" in entry["command"]] == [0, 0]
        # The relay goes on beside it.
        assert not [entry for entry in seen if "title_words" in str(entry["command"]) and "aggregate" not in str(entry)]

    async def test_without_a_title(self, client: httpx.AsyncClient, database: Database, old: Document) -> None:
        """An interview without a title has no words to complete again and again."""
        await database[INTERVIEWS].update_one({"_id": old["_id"]}, {"$unset": {"title": True, "title_words": True}})
        words = TitleWords(database)
        await words.complete()
        assert words.are_complete
        stored = await database[INTERVIEWS].find_one({"_id": old["_id"]})
        assert stored
        assert stored["title_words"] == [SPELLING]
