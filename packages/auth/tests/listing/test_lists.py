"""The list of accounts over HTTP: filters, orders, pages, totals."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import PASSWORD, Account, an_account
from parley_core.testing import MovableClock, links_of, walk

USERS = "/v1/users"


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, "admin", name="Root", email="root@example.org")


class TestList:
    async def test_newest_first(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, clock: MovableClock
    ) -> None:
        """Administrators see all accounts, newest first, with the total."""
        other = await an_account(app)
        clock.move(timedelta(seconds=1))
        body = {"email": "new@example.com", "password": PASSWORD, "role": "admin"}
        answer = await client.post(USERS, json=body, headers=admin.headers)
        page = (await client.get(USERS, headers=admin.headers)).json()
        assert page["items"][0] == answer.json()
        assert (page["total"], page["limit"], page["offset"], page["next"]) == (3, 20, 0, None)
        assert {item["id"] for item in page["items"][1:]} == {admin.id, other.id}

    async def test_pages(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Following `next` gives each account once, though all were created in one instant."""
        for _ in range(9):
            await an_account(app)
        pages = [page async for page in walk(client, f"{USERS}?limit=3&sort=created_at", headers=admin.headers)]
        ids = [item["id"] for page in pages for item in page.json()["items"]]
        assert [len(page.json()["items"]) for page in pages] == [3, 3, 3, 1]
        assert [page.json()["offset"] for page in pages] == [0, 3, 6, 9]
        assert len(set(ids)) == 10
        assert {page.json()["total"] for page in pages} == {10}
        assert links_of(pages[0])["next"] == f"http://test{pages[0].json()['next']}"

    async def test_offsets(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """An offset skips accounts; beyond the end there are no items and the right total."""
        ids = [(await an_account(app, email=f"{n}@example.com")).id for n in range(3)]
        page = (await client.get(f"{USERS}?sort=email&offset=1&limit=2", headers=admin.headers)).json()
        assert ([item["id"] for item in page["items"]], page["offset"], page["total"]) == (ids[1:], 1, 4)
        page = (await client.get(f"{USERS}?offset=50", headers=admin.headers)).json()
        assert (page["items"], page["total"], page["next"]) == ([], 4, None)

    async def test_sort(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Accounts are sorted by e-mail in both directions, and by several keys."""
        for _ in range(3):
            await an_account(app)
        sorts = ("email", "-email", "created_at,email")
        pages = [await client.get(f"{USERS}?sort={sort}", headers=admin.headers) for sort in sorts]
        ascending, descending, together = [[item["email"] for item in page.json()["items"]] for page in pages]
        assert ascending == sorted(ascending) == together
        assert descending == ascending[::-1]


class TestFilters:
    async def test_role_and_activity(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Role and activity filter, alone and together, and `next` keeps them."""
        active, inactive = await an_account(app), await an_account(app, active=False)
        role = active.user.role
        expected = {
            "role=admin": {admin.id},
            f"role={role}": {active.id, inactive.id},
            "active=false": {inactive.id},
            f"role={role}&active=true": {active.id},
            "role=admin&active=false": set(),
        }
        for query, ids in expected.items():
            assert await found(client, admin, query) == ids, query
        page = (await client.get(f"{USERS}?role={role}&limit=1", headers=admin.headers)).json()
        assert page["next"].startswith(f"{USERS}?role={role}&limit=1&cursor=")

    async def test_state(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """An account is invited, active or deactivated, whichever fields are stored; deactivation comes first."""
        stored: Mapping[str, dict[str, Any]] = {
            "of before": {"active": True},
            "active": {"active": True, "state": "active"},
            "invited": {"active": True, "state": "invited"},
            "deactivated": {"active": False, "state": "active"},
            "deactivated of before": {"active": False},
            "deactivated invited": {"active": False, "state": "invited"},
        }
        ids = {}
        for name, fields in stored.items():
            ids[name] = (account := await an_account(app)).id
            update = {"$set": fields} if "state" in fields else {"$set": fields, "$unset": {"state": True}}
            await app.state.parley.database.users.update_one({"_id": account.id}, update)
        deactivated = {id_ for name, id_ in ids.items() if name.startswith("deactivated")}
        assert await found(client, admin, "state=invited") == {ids["invited"]}
        assert await found(client, admin, "state=active") == {admin.id, ids["active"], ids["of before"]}
        assert await found(client, admin, "state=deactivated") == deactivated
        assert await found(client, admin, "active=false") == deactivated
        assert await found(client, admin, "active=true&state=invited") == {ids["invited"]}
        assert await found(client, admin, "active=true&state=deactivated") == set()
        assert await found(client, admin, "active=true") == {admin.id, *ids.values()} - deactivated

    async def test_refusals(self, client: httpx.AsyncClient, admin: Account, subtests: pytest.Subtests) -> None:
        """Unknown filters and orders are refused, and so are MongoDB operators."""
        expected = {
            "limit=0": "validation_error",
            "limit=101": "validation_error",
            "limit=ten": "validation_error",
            "offset=-1": "validation_error",
            "offset=99999999999999999999": "validation_error",
            "role=king": "validation_error",
            "active=maybe": "validation_error",
            "state=asleep": "validation_error",
            "q=": "validation_error",
            "q=...": "validation_error",
            f"q={'a' * 201}": "validation_error",
            "sort=password_hash": "invalid_sort",
            "sort=name": "invalid_sort",
            "sort=email,email": "invalid_sort",
            "sort=": "invalid_sort",
            "cursor=": "invalid_cursor",
            "surprise=1": "invalid_filter",
            "role[$ne]=admin": "invalid_filter",
            "q[$regex]=a": "invalid_filter",
            "email=ada@example.com": "invalid_filter",
        }
        for query, code in expected.items():
            with subtests.test(query):
                answer = await client.get(f"{USERS}?{query}", headers=admin.headers)
                assert (answer.status_code, answer.json()["code"]) == (400, code)


async def found(client: httpx.AsyncClient, admin: Account, query: str | Mapping[str, Any]) -> set[str]:
    """The accounts that a query finds."""
    answer = await client.get(USERS, params=query, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["total"] == len(page["items"])
    return {item["id"] for item in page["items"]}


# The name and the e-mail that an account has.
PEOPLE: Mapping[str, tuple[str, str]] = {
    "ada": ("Ada Lovelace", "countess@example.com"),
    "adam": ("Adam Riese", "ada.riese@example.com"),
    "brien": ("Jean-Luc O’Brien", "jl@example.org"),
    "straße": ("Uwe Straße", "straße@example.com"),
    "taro": ("岡本 太郎", "taro@example.com"),
    "full": ("\N{FULLWIDTH LATIN CAPITAL LETTER F}ull", "x+y@example.com"),
    "josé": ("José Muñoz", "josé@example.com"),
    "łukasz": ("Łukasz İstanbul", "l@example.com"),
    "dwyer": ("Sean", "o'dwyer@example.com"),
    "odd": ("$name .* {x}", "odd@example.com"),
}
QUERIES: Mapping[str, set[str]] = {
    "ada": {"ada", "adam"},
    "ADA": {"ada", "adam"},
    "adam": {"adam"},
    "lovelace": {"ada"},
    "love": {"ada"},
    "ovelace": set(),
    "ada lovelace": {"ada"},
    "love ad": {"ada"},
    "ada ada": {"ada", "adam"},
    "ada riese": {"adam"},
    "ada countess": set(),
    " ada ": {"ada", "adam"},
    "ada,lovelace": {"ada"},
    "countess": {"ada"},
    "countess@": {"ada"},
    "countess@example.com": {"ada"},
    "countess@example.com.": set(),
    "COUNTESS@Exam": {"ada"},
    "ada.r": {"adam"},
    "ada@": set(),
    "riese@": set(),
    "example": set(),
    "@example": set(),
    "ja@": set(),
    "jean-luc": {"brien"},
    "o'brien": {"brien"},
    "brien jean": {"brien"},
    "o’brien": {"brien"},
    "obrien": {"brien"},
    "o brien": {"brien"},
    "jose munoz": {"josé"},
    "JOSÉ MUÑ": {"josé"},
    "jose@": {"josé"},
    "lukasz": {"łukasz"},
    "istanb": {"łukasz"},
    "odwyer@": {"dwyer"},
    "o'dwyer@": {"dwyer"},
    "strasse": {"straße"},
    "STRASSE@": {"straße"},
    "太": {"taro"},
    "本太": {"taro"},
    "太郎 岡本": {"taro"},
    "太岡田": set(),
    "岡本 taro": set(),
    "full": {"full"},
    "\N{FULLWIDTH LATIN SMALL LETTER F}u": {"full"},
    "x+y": {"full"},
    "$name": {"odd"},
    "x .*": {"odd"},
    ".*x": {"odd"},
    "^a": {"ada", "adam"},
    "a\\w": set(),
    "a|u": set(),
    '{"$gt":""}': set(),
    "ada\x00": {"ada", "adam"},
    "ada lovelace 3 4 5 6 7 8 9 10 11": set(),
    "\ud800ada": {"ada", "adam"},
}


class TestSearch:
    @pytest.fixture
    async def ids(self, app: FastAPI, admin: Account) -> dict[str, str]:
        """The names in `PEOPLE` by id."""
        return {(await an_account(app, name=n, email=e)).id: key for key, (n, e) in PEOPLE.items()}

    async def test_each(
        self, client: httpx.AsyncClient, admin: Account, ids: dict[str, str], subtests: pytest.Subtests
    ) -> None:
        """Words of the name from their start, or the e-mail from its start; nothing is a pattern or an operator."""
        for text, expected in QUERIES.items():
            with subtests.test(ascii(text)):
                query = text.encode(errors="replace").decode()
                assert {ids[id_] for id_ in await found(client, admin, {"q": query})} == expected

    async def test_with_other_filters(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """`q` narrows together with the other filters."""
        one, other = [await an_account(app, name="Ada", active=active) for active in (True, False)]
        role = one.user.role
        assert await found(client, admin, f"q=ada&role={role}") == {one.id, other.id}
        assert await found(client, admin, "q=ada&role=admin") == set()
        assert await found(client, admin, "q=ada&active=true") == {one.id}
        assert await found(client, admin, f"q=ada&state=deactivated&role={role}") == {other.id}

    async def test_a_changed_name(self, client: httpx.AsyncClient, app: FastAPI, admin: Account) -> None:
        """Whoever is renamed is found under the new name alone; without a name the e-mail still finds them."""
        user = await an_account(app, name="Ada Lovelace", email="countess@example.com")
        for name, words in (("Augusta King", {"augusta", "king"}), (None, set()), ("Ada", {"ada"})):
            answer = await client.patch(f"{USERS}/{user.id}", json={"name": name}, headers=admin.headers)
            assert answer.status_code == 200
            for word in ("ada", "lovelace", "augusta", "king"):
                assert await found(client, admin, {"q": word}) == ({user.id} if word in words else set()), word
            assert await found(client, admin, {"q": "countess"}) == {user.id}

    async def test_renamed_by_many(self, client: httpx.AsyncClient, app: FastAPI, admin: Account) -> None:
        """However renames of one account overlap, its words are those of the name that it has in the end."""
        user = await an_account(app)
        names = [f"Name{number}" for number in range(8)]
        await asyncio.gather(
            *(client.patch(f"{USERS}/{user.id}", json={"name": name}, headers=admin.headers) for name in names)
        )
        last = (await client.get(f"{USERS}/{user.id}", headers=admin.headers)).json()["name"]
        for name in names:
            assert await found(client, admin, {"q": name}) == ({user.id} if name == last else set())

    async def test_a_changed_email(self, client: httpx.AsyncClient, app: FastAPI, admin: Account) -> None:
        """Whoever gets another e-mail is found by that one, and by their name as before."""
        user = await an_account(app, name="Ada Lovelace", email="countess@example.com")
        body = {"email": "Augusta@Example.com"}
        assert (await client.patch(f"{USERS}/{user.id}", json=body, headers=admin.headers)).status_code == 200
        assert await found(client, admin, "q=countess") == set()
        for text in ("augusta@", "love"):
            assert await found(client, admin, {"q": text}) == {user.id}

    async def test_accepted(self, client: httpx.AsyncClient, app: FastAPI, admin: Account) -> None:
        """Whoever accepts an invitation is active in the next list, and found by the name that they gave."""
        user = await an_account(app, email="countess@example.com", invited=True)
        assert await found(client, admin, "state=invited") == {user.id}
        body = {"purpose": "invitation"}
        link = await client.post(f"{USERS}/{user.id}/link", json=body, headers=admin.headers)
        accepted = {"token": link.json()["token"], "password": PASSWORD, "name": "Ada Lovelace"}
        assert (await client.post("/v1/auth/accept", json=accepted)).status_code == 200
        assert await found(client, admin, "state=invited") == set()
        assert await found(client, admin, "state=active&q=lovelace") == {user.id}

    async def test_registered(self, client: httpx.AsyncClient, admin: Account) -> None:
        """Whoever registers or is created is found at once."""
        new = {"password": PASSWORD, "name": "Grace Hopper"}
        registered = await client.post("/v1/auth/register", json={**new, "email": "rear@example.com"})
        created = await client.post(
            USERS, json={**new, "email": "admiral@example.com", "role": "admin"}, headers=admin.headers
        )
        assert await found(client, admin, "q=hopper") == {registered.json()["id"], created.json()["id"]}
        assert await found(client, admin, "q=admiral@") == {created.json()["id"]}
