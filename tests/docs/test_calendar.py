"""What docs/calendar.md shows, run against `parley serve`."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from icalendar import Calendar

from parley_app.testing import Serving, Start, eventually

PAGE = (Path(__file__).parents[2] / "docs" / "calendar.md").read_text(encoding="utf-8")
ADMIN = {"email": "admin@example.com", "password": "nine green bottles"}


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    start = Start(tmp_path)
    admin = {"PARLEY_ADMIN_EMAIL": ADMIN["email"], "PARLEY_ADMIN_PASSWORD": ADMIN["password"]}
    try:
        yield start("--data-dir", tmp_path / "data", **admin)
    finally:
        start.end_all()


def test_the_command(serving: Serving) -> None:
    """The command answers an address that a calendar reads; the server's output has none of it."""
    [command] = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    token = httpx.post(f"{serving.url}/v1/auth/login", json=ADMIN).json()["access_token"]
    here = command.replace("https://parley.example.com", serving.url)
    ran = subprocess.run(
        ["/bin/sh", "-c", here], env={"TOKEN": token}, capture_output=True, text=True, timeout=30, check=True
    )
    url = re.findall(r'"url": ?"([^"]+)"', ran.stdout)[0]
    answer = httpx.get(url)
    assert answer.headers["Content-Type"].startswith("text/calendar")
    assert Calendar.from_ical(answer.content).events == []
    assert httpx.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert httpx.get(f"{url}/").status_code == 404
    secret = url.rpartition("/")[2].removesuffix(".ics")
    eventually(lambda: "/v1/calendar/feeds/{token}.ics" in serving.logged)
    assert secret not in serving.printed + serving.logged
