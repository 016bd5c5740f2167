"""Absolute addresses of routes, as whoever asked reaches them."""

import httpx
import pytest
from fastapi import Request

from parley_core import Router
from parley_core.http.absolute import address_of
from parley_core.http.requests import composition_of
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

router = Router(prefix="/here", tag="here")


@router.get("", summary="Say where something is")
async def where(request: Request) -> str:
    """Return the address of another route."""
    return address_of("/v1/there/a b.ics", composition_of(request.scope), request.scope)


@pytest.mark.parametrize(
    ("public_url", "host", "root", "expected"),
    [
        (None, "parley.example:8000", "", "http://parley.example:8000/v1/there/a%20b.ics"),
        (None, "parley.example", "/parley", "http://parley.example/parley/v1/there/a%20b.ics"),
        (None, "a>; rel=x", "/parley", "/parley/v1/there/a%20b.ics"),
        ("https://api.example.com", "evil.example", "", "https://api.example.com/v1/there/a%20b.ics"),
        (
            "https://api.example.com/parley",
            "evil.example",
            "/inner",
            "https://api.example.com/parley/v1/there/a%20b.ics",
        ),
    ],
    ids=["host", "prefix", "no host", "public", "public with a prefix"],
)
async def test_address(
    core_settings: CoreSettings, public_url: str | None, host: str, root: str, expected: str
) -> None:
    """It begins with PARLEY_PUBLIC_URL, else with what the request named, else with the prefix of the proxy."""
    settings = core_settings.model_copy(update={"public_url": public_url})
    app = an_application([settings], [a_plugin("here", parley_routers=[router])])
    async with running_client(app):
        transport = httpx.ASGITransport(app=app, root_path=root)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get(f"{root}/v1/here", headers={"Host": host})
    assert answer.json() == expected
