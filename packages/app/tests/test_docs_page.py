import re

import httpx
import pytest

from parley_app import create_app, docs_page
from parley_app.testing import Serving
from parley_core import StartupError
from parley_core.kernel.settings import CoreSettings

_FOREIGN = re.compile(r"(https?:)?//\w", re.IGNORECASE)


def _addresses(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', page)


class TestPage:
    def test_the_page_and_its_files_are_served_here(self, serving: Serving) -> None:
        page = serving.get("/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        icon, *files = _addresses(page.text)
        assert icon == "data:,"
        assert len(files) == 3
        for file in files:
            assert serving.get(f"/{file}").status_code == 200

    def test_no_address_in_page_script_or_style_is_foreign(self, serving: Serving) -> None:
        page = serving.get("/docs").text
        start, style = (
            next(serving.get(f"/{a}").text for a in _addresses(page) if a.endswith(name))
            for name in ("start-swagger-ui.js", "swagger-ui.css")
        )
        assert not _FOREIGN.search(page)
        assert '"openapi.json"' in start
        assert "http" not in start
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", style)

    def test_the_browser_may_ask_no_other_host(self, serving: Serving) -> None:
        policy = dict(
            directive.split(" ", 1) for directive in serving.get("/docs").headers["content-security-policy"].split("; ")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert {word for words in policy.values() for word in words.split()} == {"'none'", "'self'", "data:"}

    def test_a_token_does_not_outlive_the_tab(self, serving: Serving) -> None:
        start = next(a for a in _addresses(serving.get("/docs").text) if a.endswith("start-swagger-ui.js"))
        assert "persistAuthorization: false" in serving.get(f"/{start}").text

    def test_its_addresses_work_under_a_prefix(self, serving: Serving) -> None:
        assert all(not address.startswith("/") for address in _addresses(serving.get("/docs").text))


class TestAssets:
    def test_browsers_keep_them_for_a_year(self, serving: Serving) -> None:
        asset = serving.get(f"/{_addresses(serving.get('/docs').text)[1]}")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"].startswith("text/css")
        assert asset.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize(
        "name", ["redoc.standalone.js", "..%2F__init__.py", "swagger-ui.css/x"], ids=["other", "parent", "deeper"]
    )
    def test_no_other_file_is_served(self, serving: Serving, name: str) -> None:
        version = _addresses(serving.get("/docs").text)[1].split("/")[1]
        assert serving.get(f"/docs/{version}/{name}").status_code == 404

    def test_another_version_is_not_found(self, serving: Serving) -> None:
        answer = serving.get("/docs/000000000000/swagger-ui.css")
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
        assert answer.headers["cache-control"] == "no-store"

    def test_a_missing_file_stops_the_start_and_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(docs_page, "_PACKAGE", "no_such_package")
        with pytest.raises(StartupError, match=r"swagger-ui\.css.*reinstall no-such-package.*PARLEY_DOCS=false"):
            create_app()


class TestSchema:
    def test_the_documentation_is_not_in_itself(self, serving: Serving) -> None:
        paths = serving.get("/openapi.json").json()["paths"]
        assert not [path for path in paths if path.startswith(("/docs", "/openapi"))]

    def test_it_says_which_version_this_is(self, serving: Serving) -> None:
        info = serving.get("/openapi.json").json()["info"]
        assert info["title"] == "Parley"
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", info["version"])


class TestSwitchedOff:
    @pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc", "/docs/oauth2-redirect"])
    async def test_no_page_is_served(self, path: str) -> None:
        app = create_app([CoreSettings(docs=False)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
            assert (await client.get(path)).status_code == 404

    async def test_no_asset_is_served(self) -> None:
        shown, hidden = create_app(), create_app([CoreSettings(docs=False)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=shown), base_url="http://test") as client:
            assets = _addresses((await client.get("/docs")).text)[1:]
            assert (await client.get(f"/{assets[0]}")).status_code == 200
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=hidden), base_url="http://test") as client:
            assert [(await client.get(f"/{asset}")).status_code for asset in assets] == [404] * 3

    @pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect"])
    def test_what_fastapi_would_add_is_never_served(self, serving: Serving, path: str) -> None:
        assert serving.get(path).status_code == 404
