"""The README's story, run against `parley serve` as it is written there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ADMIN_PASSWORD = "ten blue bottles hanging"


def story(url: str) -> str:
    """Return the README's bash blocks as one script that stops at the first command that fails."""
    script = "\n".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL))
    script = script.replace("http://127.0.0.1:8000", url)
    script = re.sub(r"ADMIN_PASSWORD='.*?'", f"ADMIN_PASSWORD='{ADMIN_PASSWORD}'", script)
    return f"set -euo pipefail\n{script}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a `parley serve` with a new data directory."""
    environment = os.environ | {"PARLEY_ADMIN_EMAIL": "admin@parley.example", "PARLEY_ADMIN_PASSWORD": ADMIN_PASSWORD}
    command = [
        str(Path(sys.executable).with_name("parley")),
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(tmp_path / "data"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            yield next(found[0] for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            process.terminate()
            process.wait(timeout=20)


def test_two_commands_come_first() -> None:
    """Before anything else the README says how to serve and how to test."""
    assert re.findall(r"```sh\n(.*?)```", README, re.DOTALL) == [
        "pip install uv && uv run parley serve\n",
        "pip install uv && uvx nox\n",
    ]
    assert README.startswith("# Parley\n\n```sh\n")


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script by bash."""
    return subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)


def test_story(served: str) -> None:
    """Every command succeeds and prints what the README shows, a few words on a line; repeated, what is wrong."""
    done = run(story(served))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "".join(re.findall(r"```text\n(.*?)```", README, re.DOTALL))
    assert max(map(len, done.stdout.splitlines())) < 80
    again = run(story(served))
    assert again.returncode == 1
    assert '  "status": 400,\n' in again.stderr
    assert "Traceback" not in again.stderr


def test_without_a_server() -> None:
    """Whoever forgot to start it reads what curl says and nothing of Python."""
    failed = run(story("http://127.0.0.1:1"))
    assert failed.returncode == 1
    assert failed.stderr.startswith("curl: (7) Failed to connect")
    assert failed.stderr.count("\n") == 1
