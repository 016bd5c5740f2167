"""Accounts and sessions as older releases stored them, without each field that came later."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth import UserDirectory
from parley_auth.testing import PASSWORD, Account, an_account

NEWER_FIELDS = {
    "name": ("name",),
    "state": ("state",),
    "verified": ("verified",),
    "search_words": ("search_words",),
    "known_networks": ("known_networks",),
    "token_version": ("token_version",),
    "sessions": ("sessions",),
    "used_at": ("sessions.$[].used_at",),
    "network": ("sessions.$[].network",),
    "user_agent": ("sessions.$[].user_agent",),
    "spent": (
        "sessions.$[].spent",
        "sessions.$[].spent_at",
        "sessions.$[].race_ms",
        "sessions.$[].sealed",
        "sessions.$[].key_digest",
    ),
    "spent_at": ("sessions.$[].spent_at", "sessions.$[].race_ms", "sessions.$[].sealed", "sessions.$[].key_digest"),
}


async def log_in(client: httpx.AsyncClient, account: Account) -> dict[str, Any]:
    body = {"email": account.user.email, "password": PASSWORD}
    answer = await client.post("/v1/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    pair: dict[str, Any] = answer.json()
    return pair


async def refresh(client: httpx.AsyncClient, pair: dict[str, Any]) -> httpx.Response:
    return await client.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})


def headers_of(pair: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


@pytest.fixture
async def pair(app: FastAPI, client: httpx.AsyncClient, old: Account) -> dict[str, Any]:
    """The tokens of a session from before the account's fields were removed."""
    first = await log_in(client, old)
    return dict((await refresh(client, first)).json())


@pytest.fixture
async def old(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, password=PASSWORD)


@pytest.mark.parametrize("field", NEWER_FIELDS)
async def test_every_route_reads_it(
    app: FastAPI, client: httpx.AsyncClient, old: Account, pair: dict[str, Any], field: str
) -> None:
    """An account that lacks a field is read, listed, logged in, refreshed, changed and looked up like any other."""
    admin = await an_account(app, "admin")
    users = app.state.parley.database.users
    await users.update_one({"_id": old.id}, {"$unset": dict.fromkeys(NEWER_FIELDS[field], True)})
    # Without the field no session is left, and its owner logs in again.
    kept = pair if field != "sessions" else await log_in(client, old)
    for headers in (headers_of(kept), headers_of(await log_in(client, old))):
        assert (await client.get("/v1/users/me", headers=headers)).json()["id"] == old.id
        listed = await client.get("/v1/auth/sessions", headers=headers)
        assert (listed.status_code, listed.json()["total"] > 0) == (200, True)
    found = (await client.get("/v1/users", headers=admin.headers)).json()["items"]
    assert {user["id"] for user in found} == {old.id, admin.id}
    refreshed = await refresh(client, kept)
    assert refreshed.status_code == 200
    assert (await client.get("/v1/users/me", headers=headers_of(refreshed.json()))).status_code == 200
    assert (await UserDirectory(app.state.parley.database).by_ids([old.id])).keys() == {old.id}
    renamed = await client.patch("/v1/users/me", json={"name": "Ada"}, headers=headers_of(kept))
    assert renamed.json()["name"] == "Ada"


@pytest.mark.parametrize("field", ["token_version", "sessions"])
async def test_revocation_works(
    app: FastAPI, client: httpx.AsyncClient, old: Account, pair: dict[str, Any], field: str
) -> None:
    """A password change and a deactivation end sessions and tokens also when the account lacks a field."""
    admin = await an_account(app, "admin")
    users = app.state.parley.database.users
    await users.update_one({"_id": old.id}, {"$unset": {field: True}})
    kept, other = headers_of(await log_in(client, old)), headers_of(await log_in(client, old))
    body = {"current_password": PASSWORD, "new_password": "ten blue bottles"}
    assert (await client.post("/v1/users/me/password", json=body, headers=kept)).status_code == 204
    assert [(await client.get("/v1/users/me", headers=h)).status_code for h in (kept, other)] == [200, 401]
    await users.update_one({"_id": old.id}, {"$unset": {field: True}})
    for active in (False, True):
        answer = await client.patch(f"/v1/users/{old.id}", json={"active": active}, headers=admin.headers)
        assert answer.status_code == 200
        assert (await client.get("/v1/users/me", headers=kept)).status_code == 401
    stored = await users.find_one({"_id": old.id})
    assert (stored["token_version"], stored["sessions"]) == (1, [])


@pytest.mark.parametrize("field", ["state", "verified"])
async def test_links_and_emails_work(app: FastAPI, client: httpx.AsyncClient, old: Account, field: str) -> None:
    """An account from before links is active and unproved: it gets a reset and another e-mail, and sessions end."""
    admin, users = await an_account(app, "admin"), app.state.parley.database.users
    await users.update_many({}, {"$unset": {field: True}})
    address = f"/v1/users/{old.id}"
    read = (await client.get(address, headers=admin.headers)).json()
    assert (read["state"], read["verified"]) == ("active", False)
    wrong = await client.post(f"{address}/link", json={"purpose": "invitation"}, headers=admin.headers)
    assert wrong.json()["code"] == "password_exists"
    link = await client.post(f"{address}/link", json={"purpose": "reset"}, headers=admin.headers)
    body = {"token": link.json()["token"], "password": "ten blue bottles"}
    pair = (await client.post("/v1/auth/accept", json=body)).json()
    assert (await client.get("/v1/users/me", headers=headers_of(pair))).json()["verified"] is True
    await users.update_many({}, {"$unset": {field: True}})
    changed = await client.patch(address, json={"email": "king@example.com"}, headers=admin.headers)
    assert (changed.json()["email"], changed.json()["verified"]) == ("king@example.com", False)
    assert (await client.post(f"{address}/logout-all", headers=admin.headers)).status_code == 204
    assert (await client.get("/v1/users/me", headers=headers_of(pair))).status_code == 401
    last = await client.patch(f"/v1/users/{admin.id}", json={"active": False}, headers=admin.headers)
    assert last.json()["code"] == "last_admin"
