"""Repeats of a refresh whose answer was lost: known by their key, by Parley's own 503, or let pass by a setting."""

import asyncio
import secrets
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings, roles_plugin
from parley_auth.tokens.refresh_tokens import RefreshToken
from parley_core import Document
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application

KEY = "5f2b7f0c-7c1e-4a49-9a0e-0f5b6c1f6a11"


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, password=PASSWORD)


async def refreshed(client: httpx.AsyncClient, token: str, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post("/v1/auth/refresh", json={"refresh_token": token}, headers=headers)


async def status_of(client: httpx.AsyncClient, pair: dict[str, Any]) -> int:
    answer = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    return answer.status_code


async def change_exchange(app: FastAPI, account: Account, *, age: int) -> None:
    """Make the exchange of an account's session so many seconds old."""
    moved = {"$dateSubtract": {"startDate": "$$NOW", "unit": "second", "amount": age}}
    changed: list[Document] = [{"$set": {"sessions.spent_at": moved}}]
    await app.state.parley.database.users.update_one({"_id": account.id}, changed)


class TestKey:
    async def test_same_successor(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A repeat with the key of the first request gets the same refresh token and a fresh access token, often."""
        answers = [await refreshed(client, ada.refresh_token, KEY) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        pairs = [answer.json() for answer in answers]
        assert len({pair["refresh_token"] for pair in pairs}) == 1
        assert len({pair["access_token"] for pair in pairs}) == 3
        assert [await status_of(client, pair) for pair in pairs] == [200] * 3
        assert (await refreshed(client, pairs[0]["refresh_token"])).status_code == 200

    @pytest.mark.parametrize("key", [None, "another", KEY.upper()], ids=["none", "another", "other case"])
    async def test_other_key(self, client: httpx.AsyncClient, ada: Account, key: str | None) -> None:
        """With another key, or none, a second use ends the session."""
        pair = (await refreshed(client, ada.refresh_token, KEY)).json()
        answer = await refreshed(client, ada.refresh_token, key)
        assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
        assert await status_of(client, pair) == 401
        assert (await refreshed(client, ada.refresh_token, KEY)).json()["code"] == "invalid_token"

    async def test_first_without_a_key(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A key that the first request didn't have excuses nothing."""
        await refreshed(client, ada.refresh_token)
        assert (await refreshed(client, ada.refresh_token, KEY)).json()["code"] == "refresh_reused"

    async def test_bound_to_the_token(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A client that uses one key for all its exchanges still can't repeat an older one."""
        second = (await refreshed(client, ada.refresh_token, KEY)).json()
        third = (await refreshed(client, second["refresh_token"], KEY)).json()
        assert (await refreshed(client, second["refresh_token"], KEY)).json()["refresh_token"] == third["refresh_token"]
        assert (await refreshed(client, ada.refresh_token, KEY)).json()["code"] == "refresh_reused"
        assert await status_of(client, third) == 401

    async def test_thief_after_the_successor_was_used(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Once the owner has used the successor, the spent token and its key end the session."""
        second = (await refreshed(client, ada.refresh_token, KEY)).json()
        third = (await refreshed(client, second["refresh_token"], KEY + "2")).json()
        assert (await refreshed(client, ada.refresh_token, KEY)).json()["code"] == "refresh_reused"
        assert (await refreshed(client, third["refresh_token"])).json()["code"] == "invalid_token"

    async def test_thief_and_owner_share_it(self, client: httpx.AsyncClient, ada: Account) -> None:
        """A thief with token and key gets the owner's successor, so whoever uses it second ends the session."""
        [pair, stolen] = [(await refreshed(client, ada.refresh_token, KEY)).json() for _ in range(2)]
        assert (await refreshed(client, pair["refresh_token"], "owner")).status_code == 200
        assert (await refreshed(client, stolen["refresh_token"], "thief")).json()["code"] == "refresh_reused"

    @pytest.mark.parametrize(("age", "status"), [(58, 200), (60, 401)])
    async def test_for_a_minute(
        self, app: FastAPI, client: httpx.AsyncClient, ada: Account, age: int, status: int
    ) -> None:
        """The key works for 60 seconds of the database's time."""
        await refreshed(client, ada.refresh_token, KEY)
        await change_exchange(app, ada, age=age)
        assert (await refreshed(client, ada.refresh_token, KEY)).status_code == status

    async def test_at_once(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Repeats that run beside the first request get the same tokens too, those without the key 409."""
        keys = [KEY, KEY, KEY, None, "another"]
        answers = await asyncio.gather(*(refreshed(client, ada.refresh_token, key) for key in keys))
        answered = [answer.json() for answer in answers if answer.status_code == 200]
        assert {a.json()["code"] for a in answers if a.status_code != 200} <= {"refresh_in_progress"}
        assert len({pair["refresh_token"] for pair in answered}) == 1
        assert (await refreshed(client, answered[0]["refresh_token"])).status_code == 200

    @pytest.mark.parametrize("key", ["", " ", "a b", "a" * 129, "ключ".encode(), b"a\x7f"], ids=ascii)
    async def test_malformed(self, client: httpx.AsyncClient, ada: Account, key: str | bytes) -> None:
        """A key is 1 to 128 visible ASCII characters; another text is 400 and spends nothing."""
        headers = {"Idempotency-Key": key}
        answer = await client.post("/v1/auth/refresh", json={"refresh_token": ada.refresh_token}, headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert (await refreshed(client, ada.refresh_token, "a" * 128)).status_code == 200

    async def test_given_twice(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Two keys are 400, even if they are the same, and spend nothing."""
        for second in (KEY, "another"):
            headers = [("Idempotency-Key", KEY), ("idempotency-key", second)]
            answer = await client.post("/v1/auth/refresh", json={"refresh_token": ada.refresh_token}, headers=headers)
            [error] = answer.json()["errors"]
            assert (answer.status_code, error["pointer"]) == (400, "?Idempotency-Key")
        assert (await refreshed(client, ada.refresh_token, KEY)).status_code == 200

    def test_documented(self, document: dict[str, Any]) -> None:
        """OpenAPI names the header and what it may contain."""
        parameters = document["paths"]["/v1/auth/refresh"]["post"]["parameters"]
        [key] = [parameter for parameter in parameters if parameter["in"] == "header"]
        assert (key["name"], key["required"]) == ("Idempotency-Key", False)
        assert "128" in str(key["schema"])

    async def test_stored(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """The database has neither the key nor anything that opens the successor, and other bytes open nothing."""
        pair = (await refreshed(client, ada.refresh_token, KEY)).json()
        successor = RefreshToken.parse(pair["refresh_token"])
        assert successor
        users = app.state.parley.database.users
        stored = await users.find_one({"_id": ada.id})
        for secret in (KEY, KEY.encode().hex(), successor.secret.hex()):
            assert secret not in str(stored)
        assert successor.secret not in stored["sessions"][0]["sealed"]
        await users.update_one({"_id": ada.id}, {"$set": {"sessions.0.sealed": secrets.token_bytes(60)}})
        assert (await refreshed(client, ada.refresh_token, KEY)).json()["code"] == "refresh_reused"


class TestGrace:
    @pytest.fixture
    def app(self, core_settings: CoreSettings, document: dict[str, Any]) -> FastAPI:
        settings = [core_settings, auth_settings(refresh_grace_seconds=30)]
        app = an_application(settings, [parley_auth.plugin, roles_plugin("interviewer", registers="candidate")])
        app.openapi_schema = document
        return app

    async def test_for_everybody(self, app: FastAPI, client: httpx.AsyncClient, ada: Account) -> None:
        """With `PARLEY_REFRESH_GRACE_SECONDS` a repeat needs no key for so long; what runs at once still gets 409."""
        answers = await asyncio.gather(*(refreshed(client, ada.refresh_token) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 4
        [first] = [answer.json() for answer in answers if answer.status_code == 200]
        assert (await refreshed(client, ada.refresh_token)).json()["refresh_token"] == first["refresh_token"]
        await change_exchange(app, ada, age=30)
        assert (await refreshed(client, ada.refresh_token)).json()["code"] == "refresh_reused"

    async def test_successor_used(self, client: httpx.AsyncClient, ada: Account) -> None:
        """Once the successor was used there is no grace."""
        second = (await refreshed(client, ada.refresh_token)).json()
        await refreshed(client, second["refresh_token"])
        assert (await refreshed(client, ada.refresh_token)).json()["code"] == "refresh_reused"
