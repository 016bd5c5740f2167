"""What the addresses of the console answer."""

import gzip
import re
from importlib.resources import files
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI

import parley_console.plugin
from parley_console.settings import ConsoleSettings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client

STATIC = files("parley_console") / "static"


async def page_of(client: httpx.AsyncClient) -> str:
    answer = await client.get("/console/")
    assert answer.status_code == 200
    return answer.text


def named_in(page: str) -> list[str]:
    """The addresses of scripts and styles on the page, as a browser makes them out."""
    return [urljoin("/console/", name) for name in re.findall(r'(?:src|href)="([^"#:]+)"', page)]


class TestPage:
    async def test_headers(self, client: httpx.AsyncClient) -> None:
        """The page is asked for each time, runs no script but ours, and is in nobody's frame."""
        headers = (await client.get("/console/")).headers
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["cache-control"] == "no-cache"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect")} == {"'self'"}
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert (policy["require-trusted-types-for"], policy["trusted-types"]) == ("'script'", "'none'")

    async def test_addresses(self, client: httpx.AsyncClient) -> None:
        """What it names is relative and there."""
        page = await page_of(client)
        assert not re.findall(r'(?:src|href)="/', page)
        assert named_in(page)
        for address in named_in(page):
            assert (await client.get(address)).status_code == 200

    async def test_nothing_inline(self, client: httpx.AsyncClient) -> None:
        """There is nothing on the page that its own policy forbids."""
        page = await page_of(client)
        assert not re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)

    async def test_without_slash(self, client: httpx.AsyncClient) -> None:
        """The address without the slash leads to the page, by a relative address."""
        answer = await client.get("/console")
        assert (answer.status_code, answer.headers["location"]) == (307, "console/")

    async def test_head(self, client: httpx.AsyncClient) -> None:
        """HEAD answers what GET does, without the body."""
        got, head = await client.get("/console/"), await client.head("/console/")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        assert head.headers["content-security-policy"] == got.headers["content-security-policy"]

    async def test_no_write(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/console/")).status_code == 405


class TestFiles:
    async def test_every_file(self, client: httpx.AsyncClient) -> None:
        """Each file of the folder is served as it is, and browsers keep it."""
        version = named_in(await page_of(client))[0].split("/")[2]
        names = [path for path in STATIC.rglob("*") if path.is_file() and path.name != "index.html"]  # type: ignore[attr-defined]
        assert names
        for path in names:
            answer = await client.get(f"/console/{version}/{path.relative_to(STATIC)}")
            assert answer.content == path.read_bytes()
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["x-content-type-options"] == "nosniff"

    async def test_compressed(self, client: httpx.AsyncClient) -> None:
        """Who takes gzip gets it, others don't, and caches know that."""
        address = named_in(await page_of(client))[0]
        plain = await client.get(address, headers={"Accept-Encoding": "identity"})
        async with client.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as packed:
            content = b"".join([part async for part in packed.aiter_raw()])
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(content) == plain.content
        assert "content-encoding" not in plain.headers
        assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"

    @pytest.mark.parametrize(
        "path",
        [
            "000000000000/app.js",
            "{version}/",
            "{version}/absent.js",
            "{version}/index.html",
            "{version}/%2e%2e/plugin.py",
            "{version}/..%2fplugin.py",
            "{version}/app.js/",
            "{version}//app.js",
        ],
    )
    async def test_absent(self, client: httpx.AsyncClient, path: str) -> None:
        """Another version, another name and what lies outside of the folder are not found."""
        version = named_in(await page_of(client))[0].split("/")[2]
        answer = await client.get(f"/console/{path.format(version=version)}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_switched_off(core_settings: CoreSettings) -> None:
    """PARLEY_CONSOLE=false leaves nothing there."""
    app = an_application([core_settings, ConsoleSettings(console=False)], [parley_console.plugin])
    async with running_client(app) as client:
        for path in ("/console", "/console/", "/console/000000000000/app.js"):
            assert (await client.get(path)).status_code == 404


async def test_document(app: FastAPI) -> None:
    """The OpenAPI document contains none of it."""
    assert not [path for path in app.openapi()["paths"] if "console" in path]
