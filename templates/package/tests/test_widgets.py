"""Widgets over HTTP, against a real MongoDB."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
import parley_widgets.plugin
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import new_id
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, logged, running_client, walk

ADDRESS = "/v1/widgets"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A running application with one account of each role."""

    app: FastAPI
    client: httpx.AsyncClient
    accounts: dict[str, Account]

    def headers_of(self, caller: str) -> dict[str, str]:
        """What a caller sends: a role's name, or "anonymous"."""
        return {} if caller == "anonymous" else self.accounts[caller].headers

    async def create(self, title: object = "First", caller: str = "admin") -> httpx.Response:
        """Create a widget."""
        return await self.client.post(ADDRESS, json={"title": title}, headers=self.headers_of(caller))

    async def read(self, address: str, caller: str = "admin") -> httpx.Response:
        """Read an address below widgets."""
        return await self.client.get(f"{ADDRESS}{address}", headers=self.headers_of(caller))


@pytest.fixture
async def stage(core_settings: CoreSettings) -> AsyncIterator[Stage]:
    app = an_application([core_settings, auth_settings()], [parley_auth.plugin, parley_widgets.plugin])
    async with running_client(app) as client:
        accounts = {role: await an_account(app, role) for role in ("admin", "user")}
        yield Stage(app=app, client=client, accounts=accounts)


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """The status and the error code of an answer."""
    return answer.status_code, answer.json().get("code")


NOBODY, DENIED = (401, "authentication_required"), (403, "permission_denied")


@pytest.mark.parametrize(
    ("caller", "reading", "creating"),
    [("anonymous", NOBODY, NOBODY), ("admin", (200, None), (201, None)), ("user", (200, None), DENIED)],
)
async def test_access(
    stage: Stage, caller: str, reading: tuple[int, str | None], creating: tuple[int, str | None]
) -> None:
    """Each caller reads and creates as the policy says."""
    widget_id = (await stage.create()).json()["id"]
    assert outcome(await stage.read("", caller)) == reading
    assert outcome(await stage.read(f"/{widget_id}", caller)) == reading
    assert outcome(await stage.create("Second", caller)) == creating


class TestCreation:
    async def test_answer_and_reads_agree(self, stage: Stage) -> None:
        """What was created is read as it was answered."""
        created = await stage.create()
        assert created.json()["title"] == "First"
        assert created.headers["Location"] == f"{ADDRESS}/{created.json()['id']}"
        assert (await stage.read(f"/{created.json()['id']}")).json() == created.json()
        assert (await stage.read("")).json()["items"] == [created.json()]

    async def test_a_title_is_unique(self, stage: Stage) -> None:
        """A second widget with the same title is refused."""
        await stage.create()
        assert outcome(await stage.create()) == (400, "duplicate_widget")

    @pytest.mark.parametrize("title", ["", " ", "a\nb", "a" * 201, 1, None])
    async def test_malformed(self, stage: Stage, title: object) -> None:
        """A title is one line of 1 to 200 characters."""
        assert outcome(await stage.create(title)) == (400, "validation_error")

    async def test_it_is_recorded(self, stage: Stage) -> None:
        """The log names who created it, and in which request."""
        answer = await stage.create()
        [entry] = await logged(stage.app, answer.json()["id"])
        assert (entry.type, entry.actor) == ("widget.created", stage.accounts["admin"].id)
        assert entry.request_id == answer.headers["X-Request-ID"]


class TestReading:
    @pytest.mark.parametrize(
        ("widget_id", "expected"), [(new_id(), (404, "widget_not_found")), ("1", (400, "invalid_id"))]
    )
    async def test_an_unknown_one(self, stage: Stage, widget_id: str, expected: tuple[int, str]) -> None:
        """An unknown id is 404, a malformed one 400."""
        assert outcome(await stage.read(f"/{widget_id}")) == expected

    async def test_pages(self, stage: Stage) -> None:
        """Widgets are paged, oldest first."""
        titles = ["First", "Second", "Third"]
        for title in titles:
            await stage.create(title)
        pages = walk(stage.client, f"{ADDRESS}?limit=2", headers=stage.headers_of("admin"))
        assert [item["title"] async for page in pages for item in page.json()["items"]] == titles
