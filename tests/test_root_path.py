"""Addresses under a prefix of a proxy: each has it exactly once, whether the proxy passes it on or not."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from fastapi import FastAPI
from pydantic import ValidationError

import parley_auth.plugin
from parley_app import create_app
from parley_app.settings import AppSettings
from parley_app.starting import Starting
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Parley, StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.testing import an_interview, create_interview
from parley_webhooks.testing import webhooks_settings

PREFIX = "/parley"
# What arrives of it: all of it, or nothing.
BOTH = pytest.mark.parametrize("passed", [PREFIX, ""], ids=["passed-on", "dropped"])


@pytest.fixture
def app(core_settings: CoreSettings, tmp_path: Path) -> FastAPI:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    webhooks = webhooks_settings(tmp_path / "ca.pem")
    return create_app([core_settings, auth_settings(), webhooks, AppSettings(root_path=PREFIX)])


def is_prefixed(address: str) -> bool:
    """Return whether an address, absolute or not, has the prefix exactly once."""
    return re.match(rf"{PREFIX}/(?!parley)", urlsplit(address).path) is not None


async def walk(client: httpx.AsyncClient, passed: str, path: str, caller: Account) -> int:
    """Walk a list by `next`, as a proxy with the prefix passes it on, and return how many pages it has."""
    following, pages = PREFIX + path, 0
    while following and pages < 20:
        answer = await client.get(passed + following.removeprefix(PREFIX), headers=caller.headers)
        assert answer.status_code == 200, answer.text
        for link in re.findall("<([^>]*)>", answer.headers["Link"]):
            assert link.startswith("http://test")
            assert is_prefixed(link)
        following, pages = answer.json()["next"], pages + 1
        assert following is None or is_prefixed(following)
    return pages


@BOTH
async def test_pages(client: httpx.AsyncClient, admin: Account, passed: str) -> None:
    """Lists are walked under the prefix, also when their pages come from memory."""
    interviews = [await create_interview(client, admin, admin) for _ in range(3)]
    await an_account_of_each(client, admin)
    for path in ("interviews", "users", "events", f"interviews/{interviews[0]['id']}/history"):
        for _ in range(2):
            assert await walk(client, passed, f"/v1/{path}?limit=1", admin) >= (1 if path.endswith("history") else 3)


async def an_account_of_each(client: httpx.AsyncClient, admin: Account) -> None:
    """Create two more accounts."""
    for name in ("ada", "bo"):
        body = {"email": f"{name}@example.com", "role": "interviewer"}
        assert (await client.post("/v1/users", json=body, headers=admin.headers)).status_code == 201


@BOTH
async def test_locations(client: httpx.AsyncClient, admin: Account, passed: str) -> None:
    """What was created is found where `Location` says."""
    for path, body in [
        ("interviews", an_interview()),
        ("users", {"email": "ada@example.com", "role": "interviewer"}),
        ("webhooks", {"url": "https://127.0.0.1:9/", "types": ["user.created"]}),
    ]:
        created = await client.post(f"{passed}/v1/{path}", json=body, headers=admin.headers)
        assert created.headers["location"] == f"{PREFIX}/v1/{path}/{created.json()['id']}"
        found = await client.get(passed + created.headers["location"].removeprefix(PREFIX), headers=admin.headers)
        assert found.json()["id"] == created.json()["id"]


@BOTH
async def test_links(client: httpx.AsyncClient, admin: Account, passed: str) -> None:
    """The page of an invitation is found where the link says."""
    body = {"email": "ada@example.com", "role": "interviewer"}
    user = (await client.post(f"{passed}/v1/users", json=body, headers=admin.headers)).json()
    address = f"{passed}/v1/users/{user['id']}/link"
    link = (await client.post(address, json={"purpose": "invitation"}, headers=admin.headers)).json()
    assert link["url_path"] == f"{PREFIX}/console#/accept/{link['token']}"


@BOTH
async def test_documentation(client: httpx.AsyncClient, passed: str) -> None:
    """The page's files and the document are beside the page, and the document's addresses begin with the prefix."""
    page = await client.get(f"{passed}/docs")
    for file in re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text):
        assert (await client.get(f"{passed}/{file}")).status_code == 200
    document = (await client.get(f"{passed}/openapi.json")).json()
    assert [server["url"] for server in document["servers"]] == [PREFIX]


@BOTH
async def test_errors(client: httpx.AsyncClient, passed: str) -> None:
    """Errors and the methods of an address are what they are without a prefix."""
    assert (await client.get(f"{passed}/v1/users/me")).status_code == 401
    assert (await client.put(f"{passed}/v1/interviews")).headers["allow"] == (
        await client.put("/v1/interviews")
    ).headers["allow"]
    for path in (f"{passed}/v1/nothing", f"{PREFIX}x/v1/users/me", f"{PREFIX}{PREFIX}/v1/users/me", PREFIX):
        assert (await client.get(path)).status_code == 404


async def test_host(core_settings: CoreSettings) -> None:
    """Who mounts Parley says the prefix as FastAPI has it, also where the proxy drops it."""
    parley = Parley([core_settings, auth_settings()], plugins=[parley_auth.plugin])
    app = FastAPI(lifespan=parley.lifespan)
    app.root_path = PREFIX
    parley.mount(app)
    async with running_client(app) as client:
        admin = await an_account(app, "admin")
        await an_account(app, "admin")
        for passed in (PREFIX, ""):
            assert await walk(client, passed, "/v1/users?limit=1", admin) == 2


async def test_while_the_start_waits(app: FastAPI) -> None:
    """The probe is answered under the prefix too."""
    starting = Starting(app, wait_seconds=None, on_failure=lambda _: None, settings=AppSettings(root_path=PREFIX))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=starting), base_url="http://test") as client:
        for passed in (PREFIX, ""):
            assert (await client.get(f"{passed}/healthz")).status_code == 200
            assert (await client.get(f"{passed}/readyz")).status_code == 503


@pytest.mark.parametrize("path", ["/v1", "/docs", "/docs/api", "/openapi.json", "/healthz", "/.well-known"])
def test_a_prefix_that_is_a_path_of_the_api(path: str) -> None:
    """It stops the start: nobody could say whether it was passed on."""
    with pytest.raises(StartupError, match=rf"^PARLEY_ROOT_PATH begins with /{path.split('/')[1]}, where the API has"):
        create_app([AppSettings(root_path=path)])


@pytest.mark.parametrize(
    "path",
    [
        *("parley", "/parley/", "/", "//parley", "/a//b", "/parley?x=1", "/parley#x", "https://example.com/parley"),
        *("/a b", "/a%20b", "/bücher", "/.", "/..", "/a/../b", "/a/.", "/{x}", "/a\n", "/a:b"),
    ],
)
def test_what_is_no_prefix(path: str) -> None:
    """It stops the start with the rule."""
    with pytest.raises(ValidationError, match="must be a path such as /parley"):
        AppSettings(root_path=path)


def test_what_is_one() -> None:
    """Several segments, and dots among other characters, are."""
    for path in ("/parley", "/api/v2", "/a.b", "/..a", "/~team", "/v10"):
        assert AppSettings(root_path=path).root_path == path
