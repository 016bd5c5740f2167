"""The pictures of the documentation, taken from `parley demo`: `nox -s screenshots` makes them anew."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import pytest
from nginx import free_ports
from playwright.async_api import Browser, ViewportSize, expect
from windows import EMAIL

from parley_app.testing import PARLEY, environment, eventually

FOLDER = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 150_000
_PASSWORD = re.compile(r"with the password (\S+)")
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=375, height=720)
Scheme = Literal["light", "dark"]
# By the name of the picture: who looks at what, how.
PICTURES: dict[str, tuple[str, str, ViewportSize, Scheme]] = {
    "console-interviews": ("mara@example.com", "/interviews", DESK, "light"),
    "console-interview": ("jonas@example.com", "{talked_about}", DESK, "light"),
    "console-week": ("mara@example.com", "/week", DESK, "dark"),
    "console-phone": ("jonas@example.com", "{talked_about}", PHONE, "dark"),
}


@dataclass(frozen=True)
class Demo:
    """A running demonstration and the password of its accounts."""

    url: str
    password: str

    def talked_about(self) -> str:
        """Return the route of the open interview in which an interviewer has the most messages."""
        with httpx.Client(base_url=f"{self.url}/v1", timeout=20) as client:
            login = {"email": "jonas@example.com", "password": self.password}
            token = client.post("/auth/login", json=login).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            items = client.get("/interviews?status=ongoing&status=scheduled&limit=100").json()["items"]
            ids = [item["id"] for item in items]
            messages = {one: client.get(f"/interviews/{one}/messages?limit=1").json()["total"] for one in ids}
        return f"/interviews/{max(messages, key=lambda one: messages[one])}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder, [port] = tmp_path_factory.mktemp("demo"), free_ports(1)
    command = [PARLEY, "demo", "--port", str(port), "--data-dir", str(folder / "data")]
    with (folder / "output").open("wb") as output, (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(command, env=environment(), stdout=output, stderr=errors)
    try:
        eventually(lambda: "is ready" in (folder / "output").read_text())
        [password] = _PASSWORD.findall((folder / "output").read_text())
        yield Demo(f"http://127.0.0.1:{port}", password)
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize("name", PICTURES)
async def test_picture(demo: Demo, chromium: Browser, name: str) -> None:
    email, route, viewport, scheme = PICTURES[name]
    context = await chromium.new_context(
        viewport=viewport, color_scheme=scheme, locale="en-GB", timezone_id="Europe/Berlin", reduced_motion="reduce"
    )
    page = await context.new_page()
    await page.goto(f"{demo.url}/console/")
    await page.get_by_label(EMAIL).fill(email)
    await page.get_by_label("Password", exact=True).fill(demo.password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", level=1)).not_to_have_text("Log in")
    address = route.format(talked_about=demo.talked_about()) if "{" in route else route
    await page.goto(f"{demo.url}/console/#{address}")
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    await page.wait_for_load_state("networkidle" if "interviews/" not in address else "load")
    await page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    await page.mouse.move(0, 0)
    FOLDER.mkdir(exist_ok=True)
    picture = await page.screenshot(path=FOLDER / f"{name}.png")
    assert len(picture) <= MOST_BYTES
