"""A server that has ended is started again, at the same address, and not for ever."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from parley_core.embedded import EmbeddedMongoDB, Keeper, embedded_mongodb
from parley_core.embedded.paths import locate


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedMongoDB]:
    """A kept server, which is killed at the end."""
    monkeypatch.setattr("parley_core.embedded.process._SHUTDOWN_SECONDS", 0)
    with EmbeddedMongoDB.start(tmp_path, is_kept=True) as server:
        yield server


def kill(server: EmbeddedMongoDB) -> None:
    """Kill it and return when it has ended."""
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: server.poll() is not None)


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def connect(uri: str) -> MongoClient[dict[str, object]]:
    """Return a client that repeats what it reads for 20 seconds; without a limit it would repeat it once."""
    return MongoClient(uri, timeoutMS=20_000)


def test_it_is_started_again(server: EmbeddedMongoDB, caplog: pytest.LogCaptureFixture) -> None:
    """Clients find it at the same address, with every acknowledged write; nothing happens while it runs."""
    keeper = Keeper(server)
    first, uri = server.pid, server.uri
    with connect(uri) as client:
        client["memory"].words.insert_one({"_id": "acknowledged"})
        assert keeper.look() is None
        assert server.pid == first
        kill(server)
        assert keeper.look() is None
        assert server.pid != first
        assert server.uri == uri
        assert client["memory"].words.find_one() == {"_id": "acknowledged"}
    assert (
        "ended and is started again: mongod was killed, as the system does when memory runs out (log: " in caplog.text
    )


def test_three_times_a_minute(server: EmbeddedMongoDB) -> None:
    """The fourth end within a minute is the last one; what was a minute ago no longer counts."""
    now = [0.0]
    keeper = Keeper(server, clock=lambda: now[0])
    for _ in range(3):
        kill(server)
        assert keeper.look() is None
    kill(server)
    failure = str(keeper.look())
    assert failure.startswith("the embedded MongoDB ended 4 times: mongod was killed")
    assert f"(log: {locate(server.data_dir).log}); repair that" in failure
    assert "\n" not in failure
    now[0] = 60.0
    assert keeper.look() is None


def test_others_wait_for_it(server: EmbeddedMongoDB, tmp_path: Path) -> None:
    """Who joins while it is down gets its address at once, instead of starting another server or failing."""
    kill(server)
    with embedded_mongodb(tmp_path) as uri:
        assert uri == server.uri


def test_the_reason_is_mongods(server: EmbeddedMongoDB) -> None:
    """Where it can't start because its files are damaged, the log's line says so."""
    keeper = Keeper(server)
    kill(server)
    (locate(server.data_dir).files / "WiredTiger.turtle").write_text("damaged")
    for _ in range(3):
        assert keeper.look() is None
        eventually(lambda: server.poll() is not None)
    assert "WiredTiger.turtle" in str(keeper.look())


def test_a_thread_may_start_it_again(server: EmbeddedMongoDB) -> None:
    """What another thread than the main one started lives on when that thread ends."""
    kill(server)
    thread = threading.Thread(target=Keeper(server).look)
    thread.start()
    thread.join()
    with connect(server.uri) as client:
        assert client.admin.command("ping")["ok"] == 1
    assert server.poll() is None
