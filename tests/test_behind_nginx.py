"""What nginx makes of the answers, with and without a prefix, and what a browser then makes of them.

nginx has the configuration of docs/deploying.md. Without nginx or Chromium the tests are skipped.
"""

import asyncio
import re
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from nginx import documented, free_ports, page_of_another_origin, running_nginx, server_of
from playwright.async_api import Browser, expect

from parley_app.testing import Start
from parley_core.testing.streams import Listener
from parley_interviews.testing import an_interview

ADMIN = {"email": "a@b.example", "password": "9 bottles"}
PLACES = pytest.mark.parametrize("place", ["root", "passed-on", "dropped"])
SECONDS = 20


@dataclass(frozen=True)
class Front:
    """nginx in front of two `parley serve`: one at the root, one under a prefix in two ways."""

    bases: dict[str, str]
    another_origin: str
    token: str

    def client(self, place: str) -> httpx.Client:
        """Return an administrator's client of one of the places."""
        return httpx.Client(base_url=self.bases[place], headers=self.headers, timeout=SECONDS)

    @property
    def headers(self) -> dict[str, str]:
        """What an administrator sends."""
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    ports = free_ports(4)
    root, passed_on, dropped, another = (f"http://127.0.0.1:{port}" for port in ports)
    _, _, passing, dropping = documented()
    servers = [
        server_of("at_root", folder / "root.sock", ports[0]),
        server_of("passed_on", folder / "prefix.sock", ports[1], passing),
        server_of("dropped", folder / "prefix.sock", ports[2], dropping),
        page_of_another_origin(ports[3]),
    ]
    settings = {
        "PARLEY_MONGODB_URI": mongodb_uri,
        "PARLEY_MONGODB_DATABASE": f"test_{uuid.uuid4().hex[:20]}",
        "PARLEY_JWT_SECRET": secrets.token_urlsafe(48),
        "PARLEY_ADMIN_EMAIL": ADMIN["email"],
        "PARLEY_ADMIN_PASSWORD": ADMIN["password"],
        "PARLEY_CORS_ORIGINS": another,
    }
    start = Start(folder)
    with running_nginx(folder, ports, *servers):
        try:
            start("--uds", folder / "root.sock", **settings)
            start("--uds", folder / "prefix.sock", "--root-path", "/parley", **settings)
            bases = {"root": root, "passed-on": f"{passed_on}/parley", "dropped": f"{dropped}/parley"}
            token = httpx.post(f"{root}/v1/auth/login", json=ADMIN, timeout=SECONDS).json()["access_token"]
            yield Front(bases, another, token)
        finally:
            start.end_all()


def some_interviews(front: Front, place: str, count: int) -> list[dict[str, Any]]:
    """Create interviews, each found where `Location` says."""
    created = []
    with front.client(place) as client:
        for _ in range(count):
            answer = client.post("v1/interviews", json=an_interview())
            path = answer.headers["location"]
            assert path.startswith(httpx.URL(front.bases[place]).path)
            assert httpx.get(origin_of(front, place) + path, headers=front.headers).json() == answer.json()
            created.append(answer.json())
    return created


def origin_of(front: Front, place: str) -> str:
    """Return scheme, host and port of a place."""
    return front.bases[place].removesuffix("/parley")


@PLACES
class TestClients:
    def test_walk_by_next(self, front: Front, place: str) -> None:
        wanted = {interview["id"] for interview in some_interviews(front, place, 3)}
        following, found = "v1/interviews?limit=2", set()
        with front.client(place) as client:
            for _ in range(20):
                page = client.get(following).raise_for_status().json()
                found |= {item["id"] for item in page["items"]}
                if page["next"] is None:
                    break
                following = origin_of(front, place) + page["next"]
        assert wanted <= found

    def test_walk_by_link(self, front: Front, place: str) -> None:
        """Each address is absolute: what clients follow as it is."""
        wanted = {interview["id"] for interview in some_interviews(front, place, 3)}
        found, following = set(), f"{front.bases[place]}/v1/interviews?limit=2"
        with front.client(place) as client:
            for _ in range(20):
                page = client.get(following).raise_for_status()
                found |= {item["id"] for item in page.json()["items"]}
                if "next" not in page.links:
                    break
                following = page.links["next"]["url"]
        assert wanted <= found

    async def test_a_stream_is_not_delayed(self, front: Front, place: str) -> None:
        """What happens arrives at once, although nginx would compress and keep it."""
        headers = {**front.headers, "Accept-Encoding": "gzip"}
        async with (
            httpx.AsyncClient(timeout=SECONDS, headers=headers) as client,
            client.stream("GET", f"{front.bases[place]}/v1/events/stream?type=interview.created") as response,
        ):
            assert response.status_code == 200
            listener = Listener(response)
            created = await asyncio.to_thread(some_interviews, front, place, 1)
            async with asyncio.timeout(SECONDS):
                while True:
                    [event] = await listener.events(1)
                    if event.data["subject_id"] == created[0]["id"]:
                        return

    def test_a_preflight(self, front: Front, place: str) -> None:
        asked = {"Origin": front.another_origin, "Access-Control-Request-Method": "PATCH"}
        answers = [httpx.options(f"{front.bases[place]}/{path}", headers=asked) for path in ("v1/interviews", "none")]
        assert [answer.status_code for answer in answers] == [204, 204]
        assert {a.headers["access-control-allow-origin"] for a in answers} == {front.another_origin}


# What a page does: each step in the browser, as its author would write it.
_FETCHES = """
async ([base, token, body]) => {
  const headers = {Authorization: `Bearer ${token}`, "Content-Type": "application/json"};
  const refused = await fetch(`${base}/v1/users/me`);
  const created = await fetch(`${base}/v1/interviews`, {method: "POST", headers, body});
  const interview = await created.json();
  const address = `${base}/v1/interviews/${interview.id}`;
  const read = await fetch(address, {headers});
  const tag = read.headers.get("ETag");
  const again = await fetch(address, {headers: {...headers, "If-None-Match": tag}});
  const other = {...headers, "If-Match": '"0"'};
  const stale = await fetch(address, {method: "PATCH", headers: other, body: '{"title": "B"}'});
  const stream = await fetch(`${base}/v1/events/stream?after=0`, {headers: {...headers, "Last-Event-ID": "0"}});
  const reader = stream.body.getReader();
  const first = new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  return {
    statuses: [refused, created, read, again, stale, stream].map((answer) => answer.status),
    code: (await refused.json()).code, ids: [refused, created, read].map((a) => a.headers.get("X-Request-ID")),
    location: created.headers.get("Location"), tag, first,
  };
}
"""


class TestBrowser:
    @PLACES
    async def test_a_page_of_another_origin(self, front: Front, chromium: Browser, place: str) -> None:
        """It asks, reads answers, errors and their headers, and follows a stream."""
        page = await chromium.new_page()
        await page.goto(front.another_origin)
        base = front.bases[place]
        body = '{"title": "A", "interview_type": "technical", "scheduled_at": "2027-03-05T09:30:00Z"}'
        seen = await page.evaluate(_FETCHES, [base, front.token, body])
        # The browser answers the 304 from what it kept.
        assert seen["statuses"] in ([401, 201, 200, 304, 412, 200], [401, 201, 200, 200, 412, 200])
        assert seen["code"] == "authentication_required"
        assert all(seen["ids"])
        assert seen["location"].startswith(httpx.URL(base).path)
        assert seen["tag"]
        assert re.search(r"^(id|data|event|:|retry)", seen["first"])

    # The browser can't see whether the prefix was passed on.
    @pytest.mark.chaos
    @pytest.mark.parametrize("place", ["root", "dropped"])
    async def test_the_documentation_logs_in_and_tries_an_operation(
        self, front: Front, chromium: Browser, place: str
    ) -> None:
        """The button Authorize and the addresses of the operations are right."""
        page = await chromium.new_page(viewport={"width": 1200, "height": 2000})
        page.set_default_timeout(60_000)  # it draws itself for long on a busy machine
        await page.goto(f"{front.bases[place]}/docs")
        await page.locator(".auth-wrapper .authorize").click()
        await page.locator("#oauth_username").fill(ADMIN["email"])
        await page.locator("#oauth_password").fill(ADMIN["password"])
        await page.locator(".auth-btn-wrapper .authorize").first.click()
        await page.locator(".modal-ux").get_by_text("Logout").first.wait_for()
        await page.locator(".auth-btn-wrapper .btn-done").first.click()
        operation = page.locator("[id$='-read_account']")
        await operation.locator(".opblock-summary-control").click()
        await operation.locator(".try-out__btn").click()
        await operation.locator(".execute").click()
        await expect(operation.locator(".live-responses-table .response-col_status").last).to_contain_text("200")


@PLACES
def test_a_browser_finds_the_console(front: Front, place: str) -> None:
    """The root leads there under every prefix, and the page finds its files."""
    base = front.bases[place]
    with httpx.Client(headers={"Accept": "text/html"}, follow_redirects=True, timeout=SECONDS) as client:
        pages = [client.get(f"{base}{way}") for way in ("/", "/console", "/console/")]
        assert {(page.status_code, str(page.url)) for page in pages} == {(200, f"{base}/console/")}
        page = pages[0]
        files = [page.url.join(name) for name in re.findall(r'(?:src|href)="([^"#:]+)"', page.text)]
        assert files
        assert {client.get(file).status_code for file in files} == {200}


async def test_another_origin_is_refused(front: Front, chromium: Browser) -> None:
    """The control: a page of an origin that isn't listed can read nothing."""
    page = await chromium.new_page()
    script = "(address) => fetch(address).then(() => 'read', () => 'refused')"
    await page.goto(f"{front.bases['root']}/healthz")
    assert await page.evaluate(script, f"{front.bases['passed-on']}/healthz") == "refused"
    await page.goto(front.another_origin)
    assert await page.evaluate(script, f"{front.bases['passed-on']}/healthz") == "read"
