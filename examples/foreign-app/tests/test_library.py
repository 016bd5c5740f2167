"""A foreign application with the accounts and guards of parley-auth, against the embedded MongoDB."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Depends, FastAPI

from library import create_app
from parley_auth import Guard
from parley_auth.testing import PASSWORD, an_account, auth_settings
from parley_core import StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client

BOOK = {"title": "Working Backwards"}


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    return create_app([core_settings, auth_settings()])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running_client(app) as client:
        yield client


async def test_open_route(client: httpx.AsyncClient) -> None:
    """The route that was public before still is, and shows what the library's own lifespan loaded."""
    answer = await client.get("/books")
    assert (answer.status_code, [book["title"] for book in answer.json()]) == (200, ["The Art of Asking"])


async def test_own_lifespan_ends(app: FastAPI) -> None:
    """The library's own lifespan is left when the application stops."""
    async with running_client(app):
        assert app.state.shelf
    assert not app.state.shelf


async def test_anonymous(client: httpx.AsyncClient) -> None:
    """Without identity the guarded route is 401 `authentication_required`, and no book is added."""
    answer = await client.post("/books", json=BOOK)
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required")
    assert len((await client.get("/books")).json()) == 1


@pytest.mark.parametrize("role", ["interviewer", "candidate"])
async def test_other_roles(app: FastAPI, client: httpx.AsyncClient, role: str) -> None:
    """A role that the library's rule doesn't name is 403 `permission_denied`."""
    answer = await client.post("/books", json=BOOK, headers=(await an_account(app, role)).headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


async def test_login_and_add(app: FastAPI, client: httpx.AsyncClient) -> None:
    """An administrator logs in at auth's own route and adds a book, which shows the administrator's id."""
    admin = await an_account(app, "admin", password=PASSWORD)
    login = await client.post("/v1/auth/login", json={"email": admin.user.email, "password": PASSWORD})
    answer = await client.post("/books", json=BOOK, headers={"Authorization": f"Bearer {login.json()['access_token']}"})
    assert (answer.status_code, answer.json()) == (201, {**BOOK, "added_by": admin.id})
    assert (await client.get("/books")).json()[-1] == answer.json()


async def test_own_errors(app: FastAPI, client: httpx.AsyncClient) -> None:
    """The library's routes answer their own errors as FastAPI does; auth's routes answer problems."""
    admin = await an_account(app, "admin")
    own = await client.post("/books", json={}, headers=admin.headers)
    assert (own.status_code, own.headers["Content-Type"]) == (422, "application/json")
    auths = await client.post("/v1/users", json={}, headers=admin.headers)
    assert (auths.status_code, auths.headers["Content-Type"]) == (400, "application/problem+json")


async def test_nothing_else_comes_along(client: httpx.AsyncClient) -> None:
    """Although other packages are installed, the only other routes are those of auth."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    found = {path.split("/")[2 if path.startswith("/v1/") else 1] for path in paths}
    assert found == {"auth", "users", "api-keys", "system", ".well-known", "books"}


async def test_guard_without_rule(app: FastAPI) -> None:
    """The library's own routes are checked too: a guard whose action has no rule stops the start."""

    @app.delete("/books", dependencies=[Depends(Guard("books:burn"))])
    async def burn_books() -> None: ...

    with pytest.raises(StartupError, match=r"DELETE /books .*: its guard names action 'books:burn'"):
        async with running_client(app):
            pass
