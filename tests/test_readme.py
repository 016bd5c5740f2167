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


def test_story(served: str) -> None:
    """Every command succeeds, both messages are read, and the last caller, who doesn't take part, gets 403."""
    done = subprocess.run(["/bin/bash", "-c", story(served)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("403\n")
    assert "Welcome, Ada." in done.stdout
    assert '"interview.completed"' in done.stdout
