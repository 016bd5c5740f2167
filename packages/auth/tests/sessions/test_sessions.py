"""Sessions, over HTTP: how they begin, who sees them, how they end."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import PASSWORD, Account, People, an_account, log_in
from parley_core import new_id
from parley_core.testing import MovableClock

ME, SESSIONS, REFRESH = "/v1/users/me", "/v1/auth/sessions", "/v1/auth/refresh"


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, email="ada@example.com", password=PASSWORD)


async def logged_in(client: httpx.AsyncClient, account: Account, **headers: str) -> dict[str, Any]:
    """Log the account in and return its tokens."""
    body = {"email": account.user.email, "password": PASSWORD}
    answer = await client.post("/v1/auth/login", json=body, headers=headers)
    assert answer.status_code == 200
    answered: dict[str, Any] = answer.json()
    return answered


def bearing(pair: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


async def refreshed(client: httpx.AsyncClient, pair: dict[str, Any]) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": pair["refresh_token"]})


class TestList:
    async def test_own_ones(self, client: httpx.AsyncClient, ada: Account, people: People) -> None:
        """Callers see their own sessions, oldest first: time, network, client, and which one is current."""
        pair = await logged_in(client, ada, **{"User-Agent": "Phone " * 60})
        page = (await client.get(SESSIONS, headers=bearing(pair))).json()
        assert (page["total"], page["next"]) == (2, None)
        first, second = page["items"]
        assert (first["current"], second["current"]) == (False, True)
        assert second == {
            "id": second["id"],
            "created_at": "2027-03-01T12:00:00Z",
            "used_at": "2027-03-01T12:00:00Z",
            "idle_until": "2027-03-08T12:00:00Z",
            "ends_at": "2027-03-31T12:00:00Z",
            "network": "127.0.0.1",
            "user_agent": ("Phone " * 60)[:200],
            "current": True,
        }
        others = (await client.get(SESSIONS, headers=people.admin.headers)).json()
        assert {item["id"] for item in others["items"]}.isdisjoint({first["id"], second["id"]})

    async def test_pages(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """The list has pages like every other list."""
        for _ in range(3):
            await log_in(app.state.parley, ada.user)
        page = (await client.get(f"{SESSIONS}?limit=3&offset=1", headers=ada.headers)).json()
        assert (len(page["items"]), page["total"], page["offset"]) == (3, 4, 1)

    async def test_at_most_ten(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """The eleventh login ends the oldest session and no other."""
        later = [await log_in(app.state.parley, ada.user) for _ in range(9)]
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        newest = bearing(await logged_in(client, ada))
        statuses = [(await client.get(ME, headers=h)).status_code for h in (ada.headers, *later, newest)]
        assert statuses == [401] + [200] * 10
        assert (await client.get(SESSIONS, headers=newest)).json()["total"] == 10

    async def test_dead_ones_make_room(
        self, app: FastAPI, client: httpx.AsyncClient, ada: Account, clock: MovableClock
    ) -> None:
        """An expired session isn't listed, and is dropped before a live one."""
        for _ in range(9):
            await log_in(app.state.parley, ada.user)
        clock.move(timedelta(days=7))
        pair = await logged_in(client, ada)
        assert (await client.get(SESSIONS, headers=bearing(pair))).json()["total"] == 1
        stored = await app.state.parley.database.users.find_one({"_id": ada.id})
        assert len(stored["sessions"]) == 1


class TestEnd:
    async def test_logout(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A logout ends its own session, both tokens included, and no other."""
        pair = await logged_in(client, ada)
        answer = await client.post("/v1/auth/logout", headers=bearing(pair))
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await client.get(ME, headers=bearing(pair))).json()["code"] == "invalid_token"
        assert (await refreshed(client, pair)).json()["code"] == "invalid_token"
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_logout_everywhere(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A logout everywhere ends every session of the account; a new login works."""
        pair = await logged_in(client, ada)
        assert (await client.post("/v1/auth/logout-all", headers=ada.headers)).status_code == 204
        for headers in (ada.headers, bearing(pair)):
            assert (await client.get(ME, headers=headers)).json()["code"] == "invalid_token"
        assert (await refreshed(client, pair)).json()["code"] == "invalid_token"
        assert (await client.get(ME, headers=bearing(await logged_in(client, ada)))).status_code == 200

    async def test_another_one(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Callers end their own sessions one by one; ending one twice is 404."""
        pair = await logged_in(client, ada)
        *_, phone = (await client.get(SESSIONS, headers=bearing(pair))).json()["items"]
        address = f"{SESSIONS}/{phone['id']}"
        assert (await client.delete(address, headers=ada.headers)).status_code == 204
        assert (await client.get(ME, headers=bearing(pair))).json()["code"] == "invalid_token"
        again = await client.delete(address, headers=ada.headers)
        assert (again.status_code, again.json()["code"]) == (404, "session_not_found")

    async def test_nobody_elses(self, client: httpx.AsyncClient, ada: Account, people: People) -> None:
        """Nobody can end another account's session, not even an administrator."""
        [session] = (await client.get(SESSIONS, headers=ada.headers)).json()["items"]
        for headers in (people.admin.headers, people.candidate.headers):
            answer = await client.delete(f"{SESSIONS}/{session['id']}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
        assert (await client.get(ME, headers=ada.headers)).status_code == 200

    async def test_unknown(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A malformed id is 400, an unknown one 404."""
        for text, expected in (("zzz", (400, "invalid_id")), (new_id(), (404, "session_not_found"))):
            answer = await client.delete(f"{SESSIONS}/{text}", headers=ada.headers)
            assert (answer.status_code, answer.json()["code"]) == expected


class TestTimes:
    async def test_idle(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """A session ends after seven days without a refresh; each refresh starts the seven days again."""
        pair = await logged_in(client, ada)
        for _ in range(2):
            clock.move(timedelta(days=7, seconds=-1))
            answer = await refreshed(client, pair)
            assert answer.status_code == 200
            pair = answer.json()
        clock.move(timedelta(days=7))
        answer = await refreshed(client, pair)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")

    async def test_absolute(self, client: httpx.AsyncClient, ada: Account, clock: MovableClock) -> None:
        """After thirty days a session ends however much it is used, and so do its access tokens."""
        pair = await logged_in(client, ada)
        for days in (6, 6, 6, 6, 6 - 1 / 1440):
            clock.move(timedelta(days=days))
            answer = await refreshed(client, pair)
            assert answer.status_code == 200
            pair = answer.json()
        assert (await client.get(ME, headers=bearing(pair))).status_code == 200
        clock.move(timedelta(minutes=1))
        assert (await client.get(ME, headers=bearing(pair))).json()["code"] == "invalid_token"
        assert (await refreshed(client, pair)).json()["code"] == "invalid_token"
