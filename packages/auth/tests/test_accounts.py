"""Registering, logging in and one's own account, over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import parley_auth.plugin
import pytest
from fastapi import FastAPI
from parley_auth.testing import PASSWORD, auth_settings
from parley_core.settings import CoreSettings
from parley_core.testing import an_application, running_client


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    return an_application([core_settings, auth_settings()], [parley_auth.plugin])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running_client(app) as client:
        yield client


class TestRegister:
    async def test_makes_a_candidate(self, client: httpx.AsyncClient) -> None:
        """An account of one's own is a candidate's, whatever its maker wishes to be."""
        answer = await client.post("/v1/auth/register", json={"email": " Ada@Example.com ", "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        assert answer.json()["email"] == "ada@example.com"
        assert answer.json()["role"] == "candidate"

    async def test_twenty_at_once(self, client: httpx.AsyncClient) -> None:
        """Of 20 concurrent registrations of one e-mail exactly one succeeds."""
        body = {"email": "ada@example.com", "password": PASSWORD}
        answers = await asyncio.gather(*(client.post("/v1/auth/register", json=body) for _ in range(20)))
        assert sorted(a.status_code for a in answers) == [201] + [400] * 19
        assert {a.json()["code"] for a in answers if a.status_code == 400} == {"duplicate_email"}

    async def test_login(self, client: httpx.AsyncClient) -> None:
        await client.post("/v1/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
        answer = await client.post("/v1/auth/login", json={"email": "ADA@example.com", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        me = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
        assert me.status_code == 200, me.text
        for path, kw in [("/v1/users/me", {}), ("/v1/users/zzz", {}),("/nothing", {})]:
            print((await client.get(path, **kw)).json())
        print((await client.post("/v1/auth/register", content=b"{", headers={"content-type": "application/json"})).json())
        print((await client.post("/v1/auth/register", json={"email": "x", "password": "y", "zz": 1})).json())
        print((await client.post("/v1/auth/register?a=1", json={"email": "x@example.com", "password": "y3453534534"})).json())
        print((await client.post("/v1/users", content=b"{", headers={"content-type": "application/json"})).json())
