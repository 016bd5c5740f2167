"""What `/` answers to whoever opens the address."""

import httpx
import pytest
from fastapi import FastAPI

from parley_app import create_app
from parley_app.testing import Serving
from parley_app.version import VERSION
from parley_core.kernel.settings import CoreSettings

_PROBES = {"health": "/healthz", "readiness": "/readyz"}


async def _index(app: FastAPI, root_path: str = "") -> dict[str, dict[str, str]]:
    transport = httpx.ASGITransport(app=app, root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get(f"{root_path}/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    found: dict[str, dict[str, str]] = answer.json()
    return found


def test_it_says_what_this_is_and_where_all_else_is(serving: Serving) -> None:
    """Nobody has to log in to be shown the way, and each way leads somewhere."""
    answer = serving.get("/")
    links = {**_PROBES, "docs": "/docs", "openapi": "/openapi.json"}
    assert answer.json() == {"name": "Parley", "version": VERSION, "links": links}
    assert answer.headers["cache-control"] == "no-store"
    assert [serving.get(path).status_code for path in links.values()] == [200] * 4


@pytest.mark.parametrize("root_path", ["", "/parley", "/a/b"])
async def test_its_links_have_the_prefix_of_the_proxy(root_path: str) -> None:
    """Whoever follows them comes back through the proxy."""
    links = (await _index(create_app(), root_path))["links"]
    assert links["docs"] == f"{root_path}/docs"
    assert all(link.startswith(f"{root_path}/") for link in links.values())


async def test_it_does_not_link_what_is_switched_off() -> None:
    """Without the documentation only the probes are left."""
    assert (await _index(create_app([CoreSettings(docs=False)])))["links"] == _PROBES


def test_it_is_documented(serving: Serving) -> None:
    """It is an operation like the probes, that anyone may call."""
    operation = serving.get("/openapi.json").json()["paths"]["/"]["get"]
    assert operation["operationId"] == "show_index"
    assert operation["tags"] == ["operations"]


def test_nothing_else_is_answered_there(serving: Serving) -> None:
    """Another method and another address are refused as everywhere."""
    assert httpx.post(f"{serving.url}/").status_code == 405
    assert serving.get("/?x=1").status_code == 400
    assert serving.get("//").status_code == 404
