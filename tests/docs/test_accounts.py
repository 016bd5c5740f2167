"""The commands of docs/accounts.md, run against `parley serve` as they are written there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from parley_app.testing import Serving, Start
from parley_auth.links.models import LIFETIMES, Purpose

PAGE = (Path(__file__).parents[2] / "docs" / "accounts.md").read_text()
ADMIN_PASSWORD = "ten blue bottles hanging"


def story(url: str) -> str:
    """Return the page's bash blocks as one script that stops at the first command that fails."""
    script = "\n".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL))
    script = script.replace("http://127.0.0.1:8000", url)
    script = re.sub(r"ADMIN_PASSWORD='.*?'", f"ADMIN_PASSWORD='{ADMIN_PASSWORD}'", script)
    return f"set -euo pipefail\n{script}"


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    starter = Start(tmp_path)
    admin = {"PARLEY_ADMIN_EMAIL": "admin@parley.example", "PARLEY_ADMIN_PASSWORD": ADMIN_PASSWORD}
    yield starter("--data-dir", tmp_path / "data", **admin)
    starter.end_all()


def test_story(serving: Serving) -> None:
    """Every command succeeds: the account is invited, accepts its second link, and its password is reset."""
    command = ["/bin/bash", "-c", story(serving.url)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    path, *printed = done.stdout.split()
    assert re.fullmatch(r"/console#/accept/[\w-]{60}", path)
    assert printed == ["bearer", "active", "bearer"]


def test_lifetimes() -> None:
    """The page's lifetimes are those of the code."""
    hours = {purpose: lifetime.total_seconds() / 3600 for purpose, lifetime in LIFETIMES.items()}
    assert hours == {Purpose.INVITATION: 72, Purpose.RESET: 1}
    assert "works once, for 72 hours" in PAGE
    assert "works once, for one hour" in PAGE
