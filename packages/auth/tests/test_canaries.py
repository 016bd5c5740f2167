"""The watch of conftest.py over secrets, which runs beside every test of auth: it fires."""

import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth.testing import PASSWORD, an_account, auth_settings
from parley_core import PublicRoute, Router
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client


def leaking(place: str) -> Router:
    """Return a router whose route leaks its body."""
    router = Router(prefix="/leaks", tag="leaks")

    @router.post("")
    async def leak(body: dict[str, Any]) -> Any:
        if place == "log of leaks":
            logging.getLogger("leaks").warning("tried: %s", body)
        return body if place == "answer of /v1/leaks" else None

    return router


@pytest.mark.parametrize("place", ["answer of /v1/leaks", "log of leaks"])
@pytest.mark.parametrize("field", ["password", "refresh_token", "token"])
async def test_fires(core_settings: CoreSettings, canaries: Any, place: str, field: str) -> None:
    """A secret in an answer or in a log line is found, with its place."""
    public = [PublicRoute("POST", "/v1/leaks", "it is this test's")]
    plugin = a_plugin("leaks", parley_routers=[leaking(place)], parley_public_routes=public)
    async with running_client(an_application([core_settings, auth_settings()], [parley_auth.plugin, plugin])) as client:
        await client.post("/v1/leaks", json={field: "canary-5f0e1b"})
    assert canaries.leaks() == [place]
    canaries.seen.clear()


async def test_fires_for_the_database(app: FastAPI, client: httpx.AsyncClient, canaries: Any) -> None:
    """A token that is stored as it is is found in the database."""
    account = await an_account(app, password=PASSWORD)
    login = {"email": account.user.email, "password": PASSWORD}
    token = (await client.post("/v1/auth/login", json=login)).json()["refresh_token"]
    assert {token, PASSWORD} <= canaries.secrets
    assert canaries.leaks() == []
    stored = app.state.parley.database.users
    await stored.update_one({"_id": account.id}, {"$set": {"leak": token}})
    canaries.seen += [("database", str(document)) for document in await stored.find().to_list()]
    assert canaries.leaks() == ["database"]
    canaries.seen.clear()
    await stored.update_one({"_id": account.id}, {"$unset": {"leak": True}})


async def test_knows_links(app: FastAPI, client: httpx.AsyncClient, canaries: Any) -> None:
    """The token of a link is a secret, but for the answer that issues it; in any other place it is found."""
    admin, account = await an_account(app, "admin"), await an_account(app, password=PASSWORD)
    body = {"purpose": "reset"}
    answer = await client.post(f"/v1/users/{account.id}/link", json=body, headers=admin.headers)
    token = answer.json()["token"]
    assert token in canaries.secrets
    assert canaries.leaks() == []
    logging.getLogger("leaks").warning("created /console#/accept/%s", token)
    assert canaries.leaks() == ["log of leaks"]
    canaries.seen.clear()
