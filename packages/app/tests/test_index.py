"""What `/` answers to whoever opens the address."""

import httpx
import pytest
from fastapi import FastAPI

from parley_app import create_app
from parley_app.testing import Serving
from parley_app.version import VERSION
from parley_core.kernel.settings import CoreSettings

_PROBES = {"health": "/healthz", "readiness": "/readyz"}


def _client_of(app: FastAPI, root_path: str = "") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app, root_path=root_path), base_url="http://test")


async def _at_root(app: FastAPI, accept: str | None) -> httpx.Response:
    async with _client_of(app) as client:
        del client.headers["Accept"]
        return await client.get("/", headers={} if accept is None else {"Accept": accept})


async def _index(app: FastAPI, root_path: str = "") -> dict[str, dict[str, str]]:
    async with _client_of(app, root_path) as client:
        answer = await client.get(f"{root_path}/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    found: dict[str, dict[str, str]] = answer.json()
    return found


def test_it_says_what_this_is_and_where_all_else_is(serving: Serving) -> None:
    """Nobody has to log in to be shown the way, and each way leads somewhere."""
    answer = serving.get("/")
    links = {**_PROBES, "console": "/console/", "docs": "/docs", "openapi": "/openapi.json"}
    assert answer.json() == {"name": "Parley", "version": VERSION, "links": links}
    assert answer.headers["cache-control"] == "no-store"
    assert [serving.get(path).status_code for path in links.values()] == [200] * 5


@pytest.mark.parametrize("root_path", ["", "/parley", "/a/b"])
async def test_its_links_have_the_prefix_of_the_proxy(root_path: str) -> None:
    """Whoever follows them comes back through the proxy."""
    links = (await _index(create_app(), root_path))["links"]
    assert links["docs"] == f"{root_path}/docs"
    assert all(link.startswith(f"{root_path}/") for link in links.values())


async def test_it_does_not_link_what_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the documentation and the console only the probes are left."""
    monkeypatch.setenv("PARLEY_CONSOLE", "false")
    assert (await _index(create_app([CoreSettings(docs=False)])))["links"] == _PROBES


_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


class TestConsole:
    @pytest.mark.parametrize(
        "accept",
        [
            _BROWSER,
            "text/html",
            "TEXT/HTML",
            "text/*",
            "text/html, application/json;q=0.9",
            "application/json;q=0,*/*",
            "*/*;q=0.1, text/html;level=1;q=0.2",
        ],
    )
    async def test_browsers_are_led_there(self, accept: str) -> None:
        """Who wants HTML gets there, under any prefix, since the address is relative."""
        answer = await _at_root(create_app(), accept)
        assert (answer.status_code, answer.headers["location"]) == (307, "console/")
        assert answer.headers["vary"] == "Accept"

    @pytest.mark.parametrize(
        "accept",
        [
            None,
            "",
            "*/*",
            "application/json",
            "application/json, text/html",
            "text/html;q=0.5, application/json",
            "text/html;q=0.5, */*",
            "text/html;q=nan",
            "text/html;q=2",
            "image/png",
            ";,;q=,",
        ],
    )
    async def test_others_are_answered(self, accept: str | None) -> None:
        """Who takes JSON as well, or says nothing that can be understood, gets what curl gets."""
        answer = await _at_root(create_app(), accept)
        assert (answer.status_code, answer.json()["name"], answer.headers["vary"]) == (200, "Parley", "Accept")

    async def test_without_it_nothing_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where there is no console, browsers are answered as everybody else."""
        monkeypatch.setenv("PARLEY_CONSOLE", "false")
        answer = await _at_root(create_app(), _BROWSER)
        assert (answer.status_code, "vary" in answer.headers) == (200, False)

    async def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the plugin isn't loaded, its address is as any other that there is nothing at."""
        monkeypatch.setenv("PARLEY_PLUGINS", "auth,interviews")
        async with _client_of(create_app()) as client:
            answers = [await client.get(path) for path in ("/console", "/console/", "/absent")]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert len({answer.json()["detail"] for answer in answers}) == 1

    def test_both_answers_are_documented(self, serving: Serving) -> None:
        responses = serving.get("/openapi.json").json()["paths"]["/"]["get"]["responses"]
        assert {"200", "307"} <= responses.keys()
        assert "Location" in responses["307"]["headers"]
        assert "Vary" in responses["200"]["headers"]


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
