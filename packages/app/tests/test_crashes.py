"""Processes of `parley serve` that die: nothing is left over, and the rest goes on."""

import os
import signal
import sys
from pathlib import Path

import pytest
from pymongo import MongoClient

from parley_app.testing import Serving, Start, eventually, lines_of, lives, messages
from parley_core.embedded import running_uri
from parley_core.embedded.paths import locate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left of the processes in /proc")


def _write(data_dir: Path, text: str) -> None:
    with MongoClient[dict[str, object]](running_uri(data_dir)) as client:
        client["kept"]["things"].insert_one({"text": text})


def _read(data_dir: Path) -> list[object]:
    with MongoClient[dict[str, object]](running_uri(data_dir)) as client:
        return [thing["text"] for thing in client["kept"]["things"].find()]


class TestCrash:
    @pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.chaos), 2])
    def test_no_process_is_left_and_the_next_start_has_port_and_data(
        self, start: Start, tmp_path: Path, workers: int
    ) -> None:
        options = ("--data-dir", tmp_path / "data", "--workers", str(workers))
        first = start(*options)
        _write(tmp_path / "data", "before the crash")
        family = first.family()
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
        second = start(*options, "--port", str(first.port))
        assert second.get("/readyz").status_code == 200
        assert _read(tmp_path / "data") == ["before the crash"]
        eventually(lambda: not any(map(lives, family)), 2)

    def test_a_worker_is_replaced_and_uses_the_same_database(self, start: Start, tmp_path: Path) -> None:
        serving = start("--data-dir", tmp_path / "data", "--workers", "2")
        servers = _workers(serving)
        os.kill(servers[0], signal.SIGKILL)
        eventually(lambda: len(_workers(serving)) == 2 and servers[0] not in _workers(serving))
        eventually(lambda: all(serving.get("/readyz").status_code == 200 for _ in range(20)))
        assert len(_mongods(serving)) == 1

    @pytest.mark.chaos
    def test_a_hangup_replaces_the_workers_while_requests_are_answered(self, start: Start, tmp_path: Path) -> None:
        serving = start("--data-dir", tmp_path / "data", "--workers", "2")
        servers = _workers(serving)
        serving.process.send_signal(signal.SIGHUP)
        while set(servers) & set(_workers(serving)):
            assert serving.get("/readyz").status_code == 200
            assert "did not start" not in serving.logged
        eventually(lambda: len(_workers(serving)) == 2)
        assert serving.stop() == 0
        assert "Traceback" not in serving.logged

    def test_a_hangup_leaves_the_only_worker_alone(self, start: Start, tmp_path: Path) -> None:
        serving = start("--data-dir", tmp_path / "data")
        serving.process.send_signal(signal.SIGHUP)
        eventually(lambda: bool(lines_of("hangup_ignored", serving)))
        assert serving.get("/readyz").status_code == 200
        assert serving.stop() == 0

    @pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.chaos)])
    def test_its_database_is_started_again(self, start: Start, tmp_path: Path, workers: str) -> None:
        serving = start("--data-dir", tmp_path / "data", "--workers", workers)
        first = _mongods(serving)
        _write(tmp_path / "data", "before the crash")
        os.kill(first[0], signal.SIGKILL)
        eventually(lambda: _mongods(serving) not in ([], first))
        assert serving.get("/healthz").status_code == 200
        eventually(lambda: serving.get("/readyz").status_code == 200)
        assert _read(tmp_path / "data") == ["before the crash"]
        assert serving.stop() == 0
        assert "Traceback" not in serving.logged

    @pytest.mark.chaos
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_without_its_database_it_ends_with_the_reason(self, start: Start, tmp_path: Path, workers: str) -> None:
        serving = start("--data-dir", tmp_path / "data", "--workers", workers)
        family, place = serving.family(), locate(tmp_path / "data")
        (place.files / "WiredTiger.turtle").write_text("damaged")
        os.kill(_mongods(serving)[0], signal.SIGKILL)
        assert serving.process.wait(60) == 1
        last = messages(serving.logged)[-1]
        assert last.startswith("parley: the embedded MongoDB ended 4 times: ")
        assert "WiredTiger.turtle" in last
        assert f"(log: {place.log})" in last
        assert "Traceback" not in serving.logged
        eventually(lambda: not any(map(lives, family)), 2)


def _workers(serving: Serving) -> list[int]:
    return serving.family("spawn_main")


def _mongods(serving: Serving) -> list[int]:
    return serving.family("--dbpath")
