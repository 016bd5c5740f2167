"""What every answer says about caches, content types and HTTPS, whichever route makes it."""

import re
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

import parley_auth.plugin
import parley_events.plugin
import parley_interviews.plugin
import parley_messaging.plugin
from parley_app import create_app
from parley_auth.testing import Account, auth_settings
from parley_core import Parley
from parley_core.http.framework import routes_of
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client

# What may be kept says so itself.
KEPT = {
    "/console/": "no-cache",
    "/docs": "no-cache",
    "/.well-known/jwks.json": "public, max-age=300",
}
HSTS = "strict-transport-security"


def addresses(app: FastAPI) -> list[tuple[str, str]]:
    """Each method and path, with an id in the place of each parameter."""
    found = [
        (method, re.sub(r"{[^}]*}", "6" * 24, route.path or ""))
        for route in routes_of(app)
        for method in route.methods or ()
    ]
    return sorted(found)


def assert_said(answer: httpx.Response, cache_control: str) -> None:
    """An answer says each of these things once."""
    names = Counter(name.lower() for name, _ in answer.headers.raw)
    assert answer.headers["cache-control"] == cache_control
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
    assert {name for name, count in names.items() if count > 1} == set()


class TestEveryRoute:
    async def test_anonymous(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """It is so for every answer to nobody: documents, probes and refusals, with HEAD too."""
        found = addresses(app)
        assert len(found) > 40
        for method, path in found:
            assert_said(await client.request(method, path), KEPT.get(path, "no-store"))

    async def test_admin(self, app: FastAPI, client: httpx.AsyncClient, admin: Account) -> None:
        """It is so for what an administrator reads; what is cached says that it is theirs alone."""
        kinds = Counter[str]()
        for method, path in addresses(app):
            if method == "GET" and not path.endswith(("/stream", "/v1/events")):
                answer = await client.get(path, headers=admin.headers)
                said = (
                    "private, no-cache" if "etag" in answer.headers and "cache-status" in answer.headers else "no-store"
                )
                assert_said(answer, KEPT.get(path, said))
                kinds[said] += 1
        assert min(kinds.values()) > 2
        again = await client.get("/v1/users/me", headers=admin.headers)
        unchanged = await client.get("/v1/users/me", headers={**admin.headers, "If-None-Match": again.headers["etag"]})
        assert unchanged.status_code == 304
        assert_said(unchanged, "private, no-cache")

    async def test_no_route(self, client: httpx.AsyncClient) -> None:
        """It is so where there is nothing."""
        assert_said(await client.get("/nothing"), "no-store")
        assert_said(await client.put("/healthz"), "no-store")


class TestHsts:
    @pytest.fixture
    async def client(self, core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
        settings = core_settings.model_copy(update={"hsts_seconds": 31_536_000})
        async with running_client(create_app([settings, auth_settings()])) as client:
            yield client

    async def test_https(self, client: httpx.AsyncClient) -> None:
        """It is said to those who came by HTTPS, and to nobody else."""
        for path in ("/healthz", "/v1/users/me", "/docs", "/nothing"):
            assert (await client.get(f"https://test{path}")).headers[HSTS] == "max-age=31536000"
            assert HSTS not in (await client.get(path)).headers


async def test_off(client: httpx.AsyncClient) -> None:
    """Without the setting it is said to nobody."""
    assert HSTS not in (await client.get("https://test/healthz")).headers


async def test_host(core_settings: CoreSettings) -> None:
    """A host's own answers stay as they are; those of Parley's routes in it say it all."""
    plugins = [parley_auth.plugin, parley_interviews.plugin, parley_messaging.plugin, parley_events.plugin]
    parley = Parley([core_settings, auth_settings()], plugins=plugins)
    app = FastAPI(lifespan=parley.lifespan, openapi_url=None)

    @app.get("/own")
    async def own() -> PlainTextResponse:
        return PlainTextResponse("own")

    parley.mount(app)
    async with running_client(app) as client:
        answer = await client.get("/own")
        assert {"cache-control", "x-content-type-options"} & answer.headers.keys() == set()
        for path in ("/v1/users/me", "/v1/nothing"):
            assert_said(await client.get(path), "no-store")
