"""Forged access tokens on every protected route of all packages together."""

import httpx
import pytest
from counts import pairs
from fastapi import FastAPI
from forging import forged_tokens

from parley_auth.authorization.route_checks import guards_of
from parley_auth.signing.key_ring import KeyRing
from parley_auth.testing import Account
from parley_core import new_id
from parley_core.http.framework import routes_of

IDS = ("{user_id}", "{session_id}", "{interview_id}", "{key_id}", "{webhook_id}", "{feed_id}")


def protected_routes(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and address of every route that has a guard, with ids that don't exist."""
    found = []
    for route in routes_of(app):
        if guards_of(route):
            address = route.path or ""
            for name in IDS:
                address = address.replace(name, new_id())
            address = address.replace("{position}", "1")
            found += [(method, address) for method in sorted(route.methods or ())]
    return found


def test_the_routes_are_found(app: FastAPI) -> None:
    """Routes of each package are found, and every id in them is filled in."""
    routes = protected_routes(app)
    for prefix in ("/v1/auth/", "/v1/users", "/v1/interviews"):
        assert any(address.startswith(prefix) for _, address in routes)
    assert any(address.endswith("/messages") for _, address in routes)
    assert not any("{" in address for _, address in routes)


@pytest.mark.attack
async def test_none_gets_in(app: FastAPI, client: httpx.AsyncClient, admin: Account, subtests: pytest.Subtests) -> None:
    """The routes answer the forged tokens with 401 `invalid_token`, and the genuine one with 200."""
    genuine = admin.headers["Authorization"].removeprefix("Bearer ")
    forged = forged_tokens(genuine, app.state.parley.require(KeyRing).signer)
    for (name, token), route in pairs(list(forged.items()), protected_routes(app)):
        with subtests.test(f"{name}: {' '.join(route)}"):
            answer = await client.request(*route, headers={b"Authorization": f"Bearer {token}".encode()})
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert (await client.get("/v1/users/me", headers=admin.headers)).status_code == 200
