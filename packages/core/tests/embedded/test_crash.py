"""Nothing is lost and nothing stays behind when a process is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pymongo import MongoClient

from parley_core.embedded import EmbeddedMongoDB, running_uri
from parley_core.embedded.process import Bond

_OWNER = """
import sys, time
from pathlib import Path
from parley_core.embedded import EmbeddedMongoDB
from parley_core.embedded.process import Bond

server = EmbeddedMongoDB.start(Path(sys.argv[1]), bond=Bond(sys.argv[2]))
print(server.pid, server.uri, flush=True)
time.sleep(60)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are killed at once where the test isn't about a clean shutdown, which takes mongod a second."""
    monkeypatch.setattr("parley_core.embedded.process._SHUTDOWN_SECONDS", 0)


def connect(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=3000)


def soon(condition: Callable[[], object]) -> bool:
    """Whether the condition is met within 5 s."""
    deadline = time.monotonic() + 5
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid: int) -> bool:
    """Whether a process has ended with all its threads, reaped or not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    state, threads = fields[0], int(fields[17])
    return state == "Z" and threads <= 1


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def start_in_a_thread_that_ends(data_dir: Path) -> EmbeddedMongoDB:
    started: list[EmbeddedMongoDB] = []
    thread = Thread(target=lambda: started.append(EmbeddedMongoDB.start(data_dir)))
    thread.start()
    thread.join()
    return started[0]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("bond", Bond)
def test_server_does_not_outlive_its_owner(tmp_path: Path, bond: Bond) -> None:
    """A killed owner takes mongod and its guardian along, and the next start has all data."""
    command = [sys.executable, "-c", _OWNER, str(tmp_path), bond.value]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, uri = owner.stdout.readline().split()
        with connect(uri) as client:
            client.memory.words.insert_one({"_id": "acknowledged"})
        left = children(owner.pid)
        owner.kill()
    assert int(pid) in left
    assert soon(lambda: all(map(is_gone, left)))
    assert running_uri(tmp_path) is None
    with EmbeddedMongoDB.start(tmp_path) as server, connect(server.uri) as client:
        assert client.memory.words.find_one() == {"_id": "acknowledged"}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("start", [EmbeddedMongoDB.start, start_in_a_thread_that_ends], ids=["main", "thread"])
def test_data_survives_the_server(tmp_path: Path, start: Callable[[Path], EmbeddedMongoDB]) -> None:
    """A killed mongod is noticed, and its data is back after a recovery, which is announced.

    It has lived on after the end of the thread that started it, which the kernel's bond alone would not allow.
    """
    announced: list[str] = []
    # The server of the whole test run may be among them.
    before = set(children(os.getpid()))
    server = start(tmp_path)
    with connect(server.uri) as client:
        client.memory.words.insert_one({"_id": "acknowledged"})
    assert set(children(os.getpid())) > before
    os.kill(server.pid, signal.SIGKILL)
    assert soon(lambda: server.poll() == -signal.SIGKILL)
    assert running_uri(tmp_path) is None
    server.stop()
    assert set(children(os.getpid())) == before
    with EmbeddedMongoDB.start(tmp_path, announce=announced.append) as server, connect(server.uri) as client:
        assert client.memory.words.find_one() == {"_id": "acknowledged"}
    assert announced == [f"The database in {tmp_path} was not shut down properly; it is being recovered."]


@pytest.mark.usefixtures("impatient")
def test_frozen_server_is_killed(tmp_path: Path) -> None:
    """A mongod that doesn't react is killed, so that stop() returns."""
    server = EmbeddedMongoDB.start(tmp_path)
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert server.poll() == -signal.SIGKILL
