"""`Link` leads through every list, is absolute, and belongs to the request that asked, also when the page was kept."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import Scope

from parley_app import create_app
from parley_auth.testing import Account, an_account, an_api_key, auth_settings
from parley_core.http.absolute import with_beginnings
from parley_core.http.requests import Composition
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import links_of
from parley_interviews.testing import create_interview
from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.transport.vault import new_key

BASE = "http://test"


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    webhooks = WebhooksSettings(webhooks_key=SecretStr(new_key()), webhooks_allow_networks=("127.0.0.0/8",))
    return create_app([core_settings, auth_settings(), webhooks])


@pytest.fixture
async def lists(app: FastAPI, client: httpx.AsyncClient, admin: Account) -> list[str]:
    """The address of each list, which has several items."""
    people = [await an_account(app, "interviewer") for _ in range(3)]
    ids = [(await create_interview(client, admin, admin, *people))["id"] for _ in range(5)]
    interview, headers = f"/v1/interviews/{ids[0]}", admin.headers
    for number in range(5):
        await client.post(f"{interview}/messages", json={"content": f"{number}"}, headers=headers)
        await an_api_key(client, admin, "interviews:read")
        await client.post("/v1/calendar/feeds", json={"name": f"{number}"}, headers=headers)
        body = {"url": f"https://127.0.0.1:9/{number}", "types": ["interview.created"]}
        assert (await client.post("/v1/webhooks", json=body, headers=headers)).status_code == 201
        await client.patch(interview, json={"title": f"{number}"}, headers=headers)
        await client.patch(f"/v1/users/{people[0].id}", json={"name": f"{number}"}, headers=headers)
    await app.state.parley.require(Relay).drain()
    paths = [path for path, operations in app.openapi()["paths"].items() if is_list(operations)]
    webhook = (await client.get("/v1/webhooks", headers=headers)).json()["items"][0]["id"]
    named = {"interview_id": ids[0], "user_id": people[0].id, "webhook_id": webhook}
    return [path.format(**named) for path in paths]


def is_list(operations: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    parameters = operations.get("get", {}).get("parameters", [])
    return "limit" in [parameter["name"] for parameter in parameters]


async def walk(client: httpx.AsyncClient, account: Account, address: str, rel: str) -> list[httpx.Response]:
    """Return the pages from an address on, as a client follows `Link`; at most 100."""
    pages: list[httpx.Response] = []
    while address and len(pages) < 100:
        pages.append(await client.get(address, headers=account.headers))
        assert pages[-1].status_code == 200, pages[-1].text
        address = links_of(pages[-1]).get(rel, "")
    return pages


async def test_every_list(client: httpx.AsyncClient, admin: Account, lists: list[str]) -> None:
    """Walked by `Link` alone each list gives each item once, forwards and backwards."""
    assert len(lists) >= 12
    for path in lists:
        whole = (await client.get(f"{path}?limit=100", headers=admin.headers)).json()["items"]
        pages = await walk(client, admin, f"{BASE}{path}?limit=2", "next")
        assert [item for page in pages for item in page.json()["items"]] == whole, path
        assert len(pages) == max(1, -(-len(whole) // 2))
        links = links_of(pages[0])
        assert all(address.startswith(f"{BASE}{path}?") for page in pages for address in links_of(page).values())
        assert (await client.get(links["first"], headers=admin.headers)).json()["items"] == whole[:2]
        if "last" in links:
            back = await walk(client, admin, links["last"], "prev")
            assert back[0].json()["items"] == pages[-1].json()["items"], path
            assert [item for page in reversed(back) for item in page.json()["items"]] == whole


class TestForgedHost:
    async def test_in_kept_answers(self, client: httpx.AsyncClient, admin: Account, lists: list[str]) -> None:
        """Whatever `Host` came first, an answer from memory names the one of its own request."""
        hits = 0
        for path in lists:
            answers = [
                await client.get(f"{path}?limit=1", headers={**admin.headers, "Host": host})
                for host in ("evil.example", "test", "evil.example:81")
            ]
            assert {answer.content for answer in answers} == {answers[0].content}
            for answer, host in zip(answers, ("evil.example", "test", "evil.example:81"), strict=True):
                assert {httpx.URL(url).netloc.decode() for url in links_of(answer).values()} == {host}, path
                hits += answer.headers.get("Cache-Status") == "parley; hit"
        assert hits >= 8

    async def test_at_once(self, client: httpx.AsyncClient, admin: Account, lists: list[str]) -> None:
        """Requests that share one reading of the database have their own beginnings too."""
        hosts = [f"{number}.example" for number in range(10)]
        for path in lists:
            answers = await asyncio.gather(
                *(client.get(f"{path}?limit=1", headers={**admin.headers, "Host": host}) for host in hosts)
            )
            for answer, host in zip(answers, hosts, strict=True):
                assert {httpx.URL(url).netloc.decode() for url in links_of(answer).values()} == {host}, path

    async def test_would_be_seen(
        self, client: httpx.AsyncClient, admin: Account, lists: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Kept with the answer, a forged `Host` does show: this is what the other tests look for."""
        known: dict[tuple[bytes, ...], bytes] = {}

        def kept(parts: tuple[bytes, ...], composition: Composition, scope: Scope) -> bytes:
            return known.setdefault(parts, with_beginnings(parts, composition, scope))

        monkeypatch.setattr("parley_core.caching.routes.with_beginnings", kept)
        with pytest.raises(AssertionError, match=r"evil\.example"):
            await self.test_in_kept_answers(client, admin, lists)
