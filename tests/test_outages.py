"""`parley serve` while MongoDB is away: it waits, says so, and serves again by itself."""

import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from counts import rounds

from parley_app.testing import Serving, Start, eventually, messages
from parley_core.embedded import EmbeddedMongoDB

OUTAGE_SECONDS = rounds(2, full=20)
READY_SECONDS = rounds(30, full=3)
"""A quiet machine takes 3 s at most."""
pytestmark = pytest.mark.attack


class Outage:
    """A MongoDB that can be away: frozen, or not started yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = EmbeddedMongoDB.start(folder)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a server that uses it."""
        return {"PARLEY_MONGODB_URI": self.server.uri, "PARLEY_JWT_SECRET": secrets.token_urlsafe(48)}

    def end(self) -> None:
        """Stop it, frozen or not."""
        if self.server.poll() is None:
            self.signal(signal.SIGCONT)
        self.server.stop()

    def begin(self) -> None:
        """Start it on the same data and the same socket."""
        self.server = EmbeddedMongoDB.start(self._folder)

    def signal(self, number: int) -> None:
        """Send it a signal: SIGSTOP freezes it, SIGCONT lets it go on."""
        os.kill(self.server.pid, number)


@pytest.fixture
def mongodb(tmp_path: Path) -> Iterator[Outage]:
    outage = Outage(tmp_path / "data")
    yield outage
    outage.end()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def status(url: str, path: str) -> int:
    """Return the status of an answer, 0 where there is none."""
    try:
        return httpx.get(f"{url}{path}", timeout=10).status_code
    except httpx.HTTPError:
        return 0


def workers_of(serving: Serving) -> set[int]:
    return set(serving.family("spawn_main"))


def seconds_until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    eventually(condition)
    return time.monotonic() - began


def kept_away(since: float) -> None:
    """Let the outage last as long as it should: nothing happens that could be awaited."""
    time.sleep(max(0, since + OUTAGE_SECONDS - time.monotonic()))


class TestFirstStart:
    @pytest.mark.parametrize("workers", [1, pytest.param(3, marks=pytest.mark.chaos)])
    def test_mongodb_is_late(self, start: Start, mongodb: Outage, *, workers: int) -> None:
        """It says in one line that it waits, and is ready soon after MongoDB is there."""
        settings, port = mongodb.settings, free_port()
        mongodb.end()
        began = time.monotonic()
        serving = start.unready("--port", str(port), "--workers", str(workers), **settings)
        eventually(lambda: "waiting for MongoDB for at most " in serving.logged)
        assert status(f"http://127.0.0.1:{port}", "/healthz") == 200
        kept_away(began)
        assert serving.process.poll() is None
        assert "is ready" not in serving.printed
        mongodb.begin()
        assert seconds_until(lambda: status(f"http://127.0.0.1:{port}", "/readyz") == 200) < READY_SECONDS
        serving.wait_until_ready()
        assert serving.logged.count("waiting for MongoDB") <= 1 + OUTAGE_SECONDS // 20

    def test_requests_are_answered_meanwhile(self, start: Start, mongodb: Outage) -> None:
        """One worker says that it lives and isn't ready, and refuses the rest with a time to retry."""
        settings, url = mongodb.settings, f"http://127.0.0.1:{(port := free_port())}"
        mongodb.end()
        serving = start.unready("--port", str(port), **settings)
        eventually(lambda: status(url, "/healthz") == 200)
        answers = [httpx.get(f"{url}{path}", timeout=10) for path in ("/readyz", "/v1/interviews", "/docs", "/nowhere")]
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "unavailable")}
        assert all(answer.headers["Retry-After"] == "2" and answer.headers["X-Request-ID"] for answer in answers)
        assert {status(url, "/readyz") for _ in range(20)} == {503}
        # Of a probe's answers only the change is logged.
        requests = [line["message"] for line in serving.log if line["event"] == "request"]
        assert len([message for message in requests if message.startswith("GET - 503 ")]) == len(answers)

    @pytest.mark.chaos
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_it_gives_up(self, start: Start, mongodb: Outage, workers: str) -> None:
        """After the time that the setting says it ends with one line."""
        settings = mongodb.settings | {"PARLEY_MONGODB_WAIT_SECONDS": "1"}
        mongodb.end()
        serving = start.unready("--workers", workers, **settings)
        assert serving.process.wait(90) == 1
        reasons = [text for text in messages(serving.logged) if text.startswith("parley: MongoDB can't be used: ")]
        assert reasons[-1].endswith("; waited 1 s (PARLEY_MONGODB_WAIT_SECONDS)")
        assert "Traceback" not in serving.logged

    @pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.chaos)])
    def test_wrong_credentials_are_not_waited_for(self, start: Start, mongodb: Outage, workers: str) -> None:
        """What no waiting repairs ends the start at once."""
        uri = mongodb.server.uri.replace("mongodb://", "mongodb://ada:hunter2@")
        serving = start.unready("--workers", workers, **(mongodb.settings | {"PARLEY_MONGODB_URI": uri}))
        assert serving.process.wait(90) == 1
        assert ": it refuses the user or the password: " in serving.logged
        assert serving.logged.count("\n") == 1
        assert "hunter2" not in serving.logged

    @pytest.mark.chaos
    def test_a_stop_while_it_waits(self, start: Start, mongodb: Outage) -> None:
        """A signal ends the waiting at once and cleanly."""
        settings = mongodb.settings
        mongodb.end()
        serving = start.unready(**settings)
        eventually(lambda: "waiting for MongoDB" in serving.logged)
        began = time.monotonic()
        assert serving.stop() == 0
        # It would wait for a minute.
        assert time.monotonic() - began < rounds(20, full=3)
        assert "Traceback" not in serving.logged


class TestWorkers:
    @pytest.mark.chaos
    @pytest.mark.parametrize("away", ["frozen", "stopped"])
    def test_each_is_killed_during_an_outage(self, start: Start, mongodb: Outage, away: str) -> None:
        """No healthy worker is stopped because a new one finds no MongoDB; all are ready soon after it is back."""
        serving = start("--workers", "3", **mongodb.settings)
        first = workers_of(serving)
        began = time.monotonic()
        mongodb.signal(signal.SIGSTOP) if away == "frozen" else mongodb.end()
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(workers_of(serving) - first) == 3)
        eventually(lambda: status(serving.url, "/healthz") == 200)
        assert status(serving.url, "/readyz") == 503
        kept_away(began)
        mongodb.signal(signal.SIGCONT) if away == "frozen" else mongodb.begin()
        assert seconds_until(lambda: {status(serving.url, "/readyz") for _ in range(12)} == {200}) < READY_SECONDS
        assert serving.process.poll() is None
        assert len(workers_of(serving)) == 3
        assert serving.stop() == 0
        assert "Traceback" not in serving.logged
