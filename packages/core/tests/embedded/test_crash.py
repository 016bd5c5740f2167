"""Nothing is lost and nothing stays behind when a process is killed."""

import os
import signal
import subprocess
import sys
import time
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


def connect(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=3000)


def await_end(pid: int) -> None:
    """Waits until the process is gone; one that only waits to be reaped runs no more."""
    deadline = time.monotonic() + 5
    while lives(pid):
        assert time.monotonic() < deadline, f"process {pid} goes on"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


@pytest.mark.parametrize("bond", Bond)
def test_server_does_not_outlive_its_owner(tmp_path: Path, bond: Bond) -> None:
    """kill -9 of the owner ends mongod and its guardian, and the next start has all data."""
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(tmp_path), bond.value], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid, uri = owner.stdout.readline().split()
        with connect(uri) as client:
            client.memory.words.insert_one({"_id": "acknowledged"})
        left = children(owner.pid)
        owner.kill()
    assert int(pid) in left
    for process in left:
        await_end(process)
    assert running_uri(tmp_path) is None
    with EmbeddedMongoDB.start(tmp_path) as server, connect(server.uri) as client:
        assert client.memory.words.find_one() == {"_id": "acknowledged"}


@pytest.mark.parametrize("bond", Bond)
def test_data_survives_the_server(tmp_path: Path, bond: Bond) -> None:
    """kill -9 of mongod is noticed by poll() and running_uri(); after a recovery all data is back."""
    announced: list[str] = []
    server = EmbeddedMongoDB.start(tmp_path, bond=bond)
    with connect(server.uri) as client:
        client.memory.words.insert_one({"_id": "acknowledged"})
    os.kill(server.pid, signal.SIGKILL)
    await_end(server.pid)
    assert server.poll() == -signal.SIGKILL
    assert running_uri(tmp_path) is None
    server.stop()
    assert not children(os.getpid())
    with EmbeddedMongoDB.start(tmp_path, announce=announced.append) as server, connect(server.uri) as client:
        assert client.memory.words.find_one() == {"_id": "acknowledged"}
    assert announced == [f"The database in {tmp_path} was not shut down properly; it is being recovered."]


def test_started_in_a_thread_that_ends(tmp_path: Path) -> None:
    """A server lives on when the thread that started it ends, which the kernel alone would not allow."""
    started: list[EmbeddedMongoDB] = []
    thread = Thread(target=lambda: started.append(EmbeddedMongoDB.start(tmp_path)))
    thread.start()
    thread.join()
    with started[0] as server, connect(server.uri) as client:
        assert client.admin.command("ping")["ok"]


def test_frozen_server_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """stop() returns although mongod doesn't react."""
    monkeypatch.setattr("parley_core.embedded.process._SHUTDOWN_SECONDS", 0.1)
    server = EmbeddedMongoDB.start(tmp_path)
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert server.poll() == -signal.SIGKILL
