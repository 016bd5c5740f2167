"""Cursors: walking the list of accounts while others change it, and invalid cursors."""

import base64
import json
import random
from datetime import timedelta
from typing import Any

import httpx
import pytest
from counts import pairs
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core.testing import MovableClock, links_of, walk

USERS = "/v1/users"


def spelt(content: object) -> str:
    """A cursor with this content, spelt as earlier releases did it."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


SORTS = ["-created_at", "created_at", "email", "-email", "created_at,-email"]
NARROWED = ["", "&q=ada", "&active=true", "&state=active&q=ada-"]


class Office:
    """An administrator who reads the list, and accounts that come and change."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, admin: Account, clock: MovableClock) -> None:
        self.app, self.client, self.admin, self.clock = app, client, admin, clock
        self.random = random.Random(7)  # noqa: S311 - the same walk on every run

    async def add(self, name: str = "Ada") -> Account:
        """Store another account, sometimes at the same instant as the one before."""
        self.clock.move(timedelta(milliseconds=self.random.randint(0, 1)))
        email = f"ada-{self.random.randrange(10**9)}@example.com"
        return await an_account(self.app, name=name, email=email)

    async def change(self, account: Account, **changes: object) -> None:
        """Change an account through the API."""
        answer = await self.client.patch(f"{USERS}/{account.id}", json=changes, headers=self.admin.headers)
        assert answer.status_code == 200, answer.text

    async def page(self, address: str) -> tuple[list[str], str | None]:
        """The ids of a page and the address of the next."""
        answer = await self.client.get(address, headers=self.admin.headers)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]], answer.json()["next"]


@pytest.fixture
async def office(app: FastAPI, client: httpx.AsyncClient, clock: MovableClock) -> Office:
    return Office(app, client, await an_account(app, "admin"), clock)


class TestWalk:
    @pytest.mark.parametrize(("sort", "narrowed"), pairs(SORTS, NARROWED))
    async def test_while_others_write(self, office: Office, sort: str, narrowed: str) -> None:
        """Whoever follows `next` gets each account that stays in the list, none twice, whatever comes and goes."""
        lasting = {(await office.add()).id for _ in range(12)}
        passing = [await office.add() for _ in range(8)]
        seen: list[str] = []
        address: str | None = f"{USERS}?limit=3&sort={sort}{narrowed}"
        while address:
            ids, address = await office.page(address)
            seen += ids
            await office.add()
            if passing:
                await office.change(passing.pop(), active=False, name="Grace")
        assert len(seen) == len(set(seen))
        assert lasting <= set(seen)

    async def test_what_was_passed_goes(self, office: Office) -> None:
        """A walk doesn't end early when the accounts of earlier pages leave the list, that of the cursor included."""
        accounts = [await office.add() for _ in range(9)]
        first, following = await office.page(f"{USERS}?q=ada&limit=6")
        for account in accounts:
            if account.id in first:
                await office.change(account, name="Grace")
        assert following is not None
        second, following = await office.page(following.replace("q=ada", "q=ada-"))
        assert {*first, *second} == {account.id for account in accounts}
        assert following is None

    async def test_next_keeps_filters(self, office: Office) -> None:
        """The next page's address has the filters, and `Link` has the same."""
        for _ in range(3):
            await office.add()
        address = f"{USERS}?q=ada&active=true&state=active&limit=1&sort=-email"
        answers = [answer async for answer in walk(office.client, address, headers=office.admin.headers)]
        assert [answer.json()["total"] for answer in answers] == [3, 3, 3]
        for answer in answers[:-1]:
            following = answer.json()["next"]
            assert following.startswith(f"{address}&cursor=")
            assert links_of(answer)["next"] == f"http://test{following}"


class TestOtherRequests:
    async def test_another_order_or_an_offset(self, office: Office) -> None:
        """A cursor implies its order; another one beside it is refused, and so is an offset."""
        for _ in range(3):
            await office.add()
        _, following = await office.page(f"{USERS}?limit=1&sort=email")
        assert following is not None
        implied, _ = await office.page(following.replace("sort=email&", ""))
        assert implied == (await office.page(following))[0]
        for other in ("sort=-email", "sort=created_at", "sort=", "sort=email&offset=1"):
            answer = await office.client.get(following.replace("sort=email", other), headers=office.admin.headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), other


ID, INSTANT = "0" * 24, "2027-03-01T12:00:00+00:00"
FORGED: list[Any] = [
    None,
    [],
    ["email", ["a", ID], 1],
    ["email", [{"$ne": "a"}, ID], 0],
    ["created_at", [INSTANT, ID], 0],
]


class TestGarbage:
    @pytest.mark.parametrize("text", [*map(spelt, FORGED), "", "x", "=", "\x00", "a" * 5000], ids=lambda t: t[:99])
    async def test_refused(self, client: httpx.AsyncClient, office: Office, text: str) -> None:
        """A text that a caller makes up is refused, also one that earlier releases would have taken for a place."""
        answer = await client.get(USERS, params={"cursor": text}, headers=office.admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")

    async def test_role_comes_first(self, app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
        """Whoever may not list accounts gets 403, whatever the cursor says."""
        answer = await client.get(f"{USERS}?cursor=x", headers=(await office.add()).headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")

    async def test_no_email_is_readable(self, office: Office) -> None:
        """A cursor after an account doesn't show its e-mail."""
        accounts = [await office.add() for _ in range(2)]
        _, following = await office.page(f"{USERS}?q=ada&limit=1&sort=email")
        assert following is not None
        cursor = following.rpartition("cursor=")[2]
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        for secret in (b"ada", b"example", *(account.id.encode() for account in accounts)):
            assert secret not in raw
