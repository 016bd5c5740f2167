"""Administrators change an account's e-mail, and end its sessions."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.accounts.repository import UserHistory
from parley_auth.testing import PASSWORD, Account, an_account, log_in
from parley_core import HistoryEntry, new_id

OLD, NEW = "ada@example.com", "king@example.com"
ME = "/v1/users/me"


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, "admin")


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, email=OLD, password=PASSWORD, verified=True)


async def last_entry(app: FastAPI, user_id: str) -> HistoryEntry:
    entries, _ = await UserHistory(app.state.parley.database).page(user_id, limit=50, offset=0)
    return entries[-1]


async def status_of_login(client: httpx.AsyncClient, email: str) -> int:
    return (await client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})).status_code


class TestEmail:
    async def test_change(self, app: FastAPI, client: httpx.AsyncClient, admin: Account, ada: Account) -> None:
        """The new address logs in and the old one doesn't; it is unproved, and sessions go on."""
        address = f"/v1/users/{ada.id}"
        answer = await client.patch(address, json={"email": " King@Example.com "}, headers=admin.headers)
        account = answer.json()
        assert (answer.status_code, account["email"], account["verified"]) == (200, NEW, False)
        assert [await status_of_login(client, email) for email in (OLD, NEW)] == [401, 200]
        assert (await client.get(ME, headers=ada.headers)).json() == account
        entry = await last_entry(app, ada.id)
        assert (entry.rev, entry.type, entry.actor) == (2, "user.email_changed", admin.id)
        assert entry.changes == {"email": {"from": {}, "to": {}}, "verified": {"from": True, "to": False}}
        body = {"email": OLD, "password": PASSWORD}
        assert (await client.post("/v1/auth/register", json=body)).status_code == 201

    async def test_no_address_in_any_history(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, ada: Account
    ) -> None:
        """Neither the old address nor the new one is in a history, nor in what the log keeps."""
        await client.patch(f"/v1/users/{ada.id}", json={"email": NEW, "name": "Ada King"}, headers=admin.headers)
        shown = (await client.get(f"/v1/users/{ada.id}/history", headers=admin.headers)).text
        stored = [str(entry) for entry in await app.state.parley.database["events"].find().to_list()]
        kept = await app.state.parley.database.users.find({"_id": ada.id}, {"history": True}).to_list()
        assert "user.email_changed" in shown
        assert "user.email_changed" in str(stored) + str(kept)
        for text in (OLD, NEW, "@", "Ada", "King", "$argon2"):
            assert text not in shown + str(stored) + str(kept), text

    async def test_taken(self, app: FastAPI, client: httpx.AsyncClient, admin: Account, ada: Account) -> None:
        """An address that another account has, also an invited or inactive one, is refused, and nothing changes."""
        others = [await an_account(app), await an_account(app, invited=True), await an_account(app, active=False)]
        before = (await client.get(f"/v1/users/{ada.id}", headers=admin.headers)).json()
        for other in others:
            body = {"email": other.user.email.upper(), "name": "Another"}
            answer = await client.patch(f"/v1/users/{ada.id}", json=body, headers=admin.headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "duplicate_email")
        assert (await client.get(f"/v1/users/{ada.id}", headers=admin.headers)).json() == before

    async def test_of_an_administrator_who_goes(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """A taken address is refused together with a demotion too, and neither happens."""
        other, taken = await an_account(app, "admin"), await an_account(app)
        body = {"email": taken.user.email, "active": False}
        answer = await client.patch(f"/v1/users/{other.id}", json=body, headers=admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "duplicate_email")
        assert (await client.get(ME, headers=other.headers)).status_code == 200

    async def test_one_of_many(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Of accounts that get one address at once exactly one has it."""
        accounts = [await an_account(app) for _ in range(10)]
        sent = [client.patch(f"/v1/users/{a.id}", json={"email": NEW}, headers=admin.headers) for a in accounts]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*sent))
        assert statuses == [200] + [400] * 9

    async def test_the_same_is_no_change(
        self, app: FastAPI, client: httpx.AsyncClient, admin: Account, ada: Account
    ) -> None:
        """The address that the account has, in any spelling, changes nothing and stays proved."""
        answer = await client.patch(f"/v1/users/{ada.id}", json={"email": OLD.upper()}, headers=admin.headers)
        assert (answer.status_code, answer.json()["verified"]) == (200, True)
        assert (await last_entry(app, ada.id)).rev == 1

    async def test_malformed(self, client: httpx.AsyncClient, admin: Account, ada: Account) -> None:
        """A malformed address is refused by its pointer, and so is none at all."""
        for email in ("", "zoe", None, 7, {"$gt": ""}):
            answer = await client.patch(f"/v1/users/{ada.id}", json={"email": email}, headers=admin.headers)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/email")

    async def test_unproved_stays_unproved(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """Where the old address was never proved, the entry says nothing about it."""
        account = await an_account(app)
        await client.patch(f"/v1/users/{account.id}", json={"email": NEW}, headers=admin.headers)
        assert (await last_entry(app, account.id)).changes == {"email": {"from": {}, "to": {}}}


class TestEndSessions:
    async def test_every_session(self, app: FastAPI, client: httpx.AsyncClient, admin: Account, ada: Account) -> None:
        """Every session ends on the next request, refresh tokens included; a new login works; it is recorded."""
        other = await log_in(app.state.parley, ada.user)
        answer = await client.post(f"/v1/users/{ada.id}/logout-all", headers=admin.headers)
        assert (answer.status_code, answer.content) == (204, b"")
        for headers in (ada.headers, other):
            assert (await client.get(ME, headers=headers)).json()["code"] == "invalid_token"
        refreshed = await client.post("/v1/auth/refresh", json={"refresh_token": ada.refresh_token})
        assert refreshed.status_code == 401
        assert await status_of_login(client, OLD) == 200
        entry = await last_entry(app, ada.id)
        assert (entry.type, entry.actor, entry.changes) == ("user.sessions_ended", admin.id, {})
        assert (await client.get(ME, headers=admin.headers)).status_code == 200

    async def test_unknown(self, client: httpx.AsyncClient, admin: Account) -> None:
        """There is no session of an unknown account to end."""
        answer = await client.post(f"/v1/users/{new_id()}/logout-all", headers=admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")
