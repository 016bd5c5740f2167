"""Several processes on older data, and such as are killed: one migrates, and the end is always the same."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "migrating_processes.py"
KILLS = 20 if os.environ.get("TESTS_COUNTS") == "full" else 5
COUNT = 30
LEFT = {
    "notes": [{"_id": number, "shelf": f"box {number % 3}"} for number in range(COUNT)],
    "indexes": ["_id_", "shelf"],
    "state": {"_id": "notes", "at": 4, "floor": 2, "done": True, "cursor": None},
}


def processes(uri: str, work: str, number: int) -> Any:
    """Do the work of the script; return what it has found."""
    command = [sys.executable, str(SCRIPT), uri, f"test_{uuid.uuid4().hex[:20]}", work, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_several_at_once(mongodb_uri: str) -> None:
    """Of eight processes that start on older data one migrates, and all serve without an error."""
    found = processes(mongodb_uri, "start", 8)
    assert found == {"codes": [0] * 8, "ran": 1, "left": LEFT}


@pytest.mark.attack
def test_killed(mongodb_uri: str) -> None:
    """Wherever a process is killed, before or after any command, the next start leaves the same behind."""
    first, *others = processes(mongodb_uri, "kill", KILLS)
    assert first == {"codes": [0], "left": LEFT}
    assert others == [{"codes": [-9, 0], "left": LEFT}] * KILLS
