"""The log of `parley serve`: one format for every line, whoever writes it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from parley_app.testing import Serving, Start, environment, eventually, install_plugin, lines_of, messages, parley
from parley_core.testing.log_lines import problems_of

_WRITERS = """
import logging, sys, threading, warnings

from parley_app import logs
from parley_core.log_lines import LogLine

class Unending:
    def __del__(self):
        raise LookupError("in a finalizer")

class Unsayable:
    def __str__(self):
        raise LookupError("no text")

logs.configure()
logging.getLogger("parley.tests").info(LogLine("tested", "told of {word}", word="\\ud800\\u2028\\n"))
logging.getLogger("parley.tests").warning(LogLine("tested", "{absent}"))
logging.getLogger("others").warning("%d", "no number")
logging.getLogger("others").warning(Unsayable())
logging.getLogger("others").info("too quiet")
logging.getLogger("pymongo.command").debug("quotes what is stored")
logging.getLogger("uvicorn.error").error("of the server\\nin two lines")
warnings.warn("of Python", stacklevel=1)
thread = threading.Thread(target=lambda: 1 / 0, name="worker-7")
thread.start()
thread.join()
Unending()
for _ in range(2):
    logging.getLogger("parley.tests").error(LogLine("tested", word="x" * 10_000))
{}["the end"]
""".replace("\\\\", "\\")


def written(**settings: str) -> str:
    """Return what a process writes in which everything goes wrong."""
    command = [sys.executable, "-c", _WRITERS]
    done = subprocess.run(command, env=environment(**settings), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


class TestEveryWriter:
    def test_json(self) -> None:
        """Whoever writes, and whatever goes wrong with it, it is a line of JSON."""
        lines = written().splitlines()
        assert [problem for line in lines for problem in problems_of(line)] == []
        found = [json.loads(line) for line in lines]
        assert [(line["logger"], line["level"], line.get("event")) for line in found] == [
            ("parley.tests", "INFO", "tested"),
            ("parley.app", "ERROR", "log_line_failed"),
            ("parley.app", "ERROR", "log_line_failed"),
            ("parley.app", "ERROR", "log_line_failed"),
            ("uvicorn.error", "ERROR", None),
            ("py.warnings", "WARNING", None),
            ("parley.app", "ERROR", "thread_failed"),
            ("parley.app", "ERROR", "error_ignored"),
            *[("parley.tests", "ERROR", "tested")] * 2,
            ("parley.app", "CRITICAL", "crashed"),
        ]
        assert [line["of"] for line in found if line.get("event") == "log_line_failed"] == [
            "parley.tests",
            "others",
            "others",
        ]
        assert "the end" in found[-1]["traceback"]

    def test_text(self) -> None:
        """As text each has time, level and logger, and tracebacks are whole."""
        text = written(PARLEY_LOG_FORMAT="text", PYTHONIOENCODING="utf-8:replace")
        heads = re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ ([a-z.]+): ", text, re.MULTILINE)
        assert heads.count("parley.app") == 6
        assert text.endswith("KeyError: 'the end'\n")
        assert not [line for line in text.splitlines() if line.startswith("{")]

    @pytest.mark.parametrize(("level", "count"), [("info", 11), ("WARNING", 10), ("error", 6)])
    def test_level(self, level: str, count: int) -> None:
        """Lines below it are left out, in whatever letters it is written."""
        assert len(written(PARLEY_LOG_LEVEL=level).splitlines()) == count


class TestStart:
    @pytest.mark.parametrize("name", ["PARLEY_LOG_FORMAT", "PARLEY_LOG_LEVEL"])
    def test_wrong_settings(self, name: str) -> None:
        """A wrong one prevents the start, like every other setting, and is reported in the log."""
        failed = parley("serve", **{name: "xml"})
        assert failed.returncode == 1
        [reason] = messages(failed.stderr)
        assert reason.startswith(f"parley: settings: {name}: Input should be '")
        assert "xml" not in reason

    def test_broken_plugin(self, tmp_path: Path) -> None:
        """What prevents the start before a command is found is a line of the log too."""
        install_plugin(tmp_path, "broken", "def parley_commands():\n    return []\n\nimport no_such_module")
        failed = parley("serve", PYTHONPATH=str(tmp_path))
        assert [json.loads(line)["event"] for line in failed.stderr.splitlines()] == ["fatal"]
        text = parley("serve", PYTHONPATH=str(tmp_path), PARLEY_LOG_FORMAT="text").stderr
        assert text.startswith("parley: plugin 'broken' (broken) failed to import: ")

    def test_commands(self) -> None:
        """Other commands speak to whoever typed them."""
        assert parley("create-admin", PARLEY_BODY_BYTES="1").stderr.startswith(("Usage: ", "parley: "))

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_crash(self, tmp_path: Path, workers: str) -> None:
        """An unexpected error, in whichever process, is one line with its traceback."""
        install_plugin(tmp_path, "crashing", _CRASHING)
        options = ("--port", "0", "--workers", workers, "--data-dir", tmp_path / "data")
        failed = parley("serve", *options, PYTHONPATH=str(tmp_path))
        assert failed.returncode == 1
        assert [problem for line in failed.stderr.splitlines() for problem in problems_of(line)] == []
        crashed = [line for line in map(json.loads, failed.stderr.splitlines()) if line["event"] == "crashed"]
        assert crashed
        assert all("ZeroDivisionError" in line["traceback"] for line in crashed)


_CRASHING = """
import uvicorn

from parley_core import hookimpl

uvicorn.Server.run = lambda *_, **__: 1 / 0


@hookimpl
def parley_events():
    return []
"""


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Two workers that serve behind a prefix."""
    folder = tmp_path_factory.mktemp("several")
    starter = Start(folder)
    yield starter("--workers", "2", "--root-path", "/parley", "--data-dir", folder / "data")
    starter.end_all()


class TestServing:
    def test_ready(self, several: Serving) -> None:
        """The log says when it is ready, where and in which version."""
        [line] = lines_of("ready", several)
        assert (line["url"], line["workers"], line["level"]) == (f"http://127.0.0.1:{several.port}", 2, "INFO")
        assert line["version"]

    def test_probes(self, several: Serving) -> None:
        """A thousand probes of two workers add no line, with the prefix and without; a line about others is there."""
        before = len(several.log)
        with httpx.Client(base_url=f"http://127.0.0.1:{several.port}", timeout=10) as client:
            for number in range(250):
                for path in ("/healthz", "/readyz", "/parley/healthz", "/parley/readyz"):
                    # A connection for every fifth, so that both workers are asked.
                    headers = {"Connection": "close"} if number % 5 == 0 else {}
                    assert client.get(path, headers=headers).status_code == 200
        assert len(several.log) == before
        several.get("/v1/users/me")
        eventually(lambda: len(several.log) > before)
        [line] = several.log[before:]
        assert (line["event"], line["method"], line["route"], line["status"]) == ("request", "GET", "/v1/users/me", 401)

    def test_text(self, start: Start, tmp_path: Path) -> None:
        """`PARLEY_LOG_FORMAT=text` has lines for people where no terminal is."""
        serving = start("--data-dir", tmp_path / "data", PARLEY_LOG_FORMAT="text")
        request_id = serving.get("/v1/users/me").headers["X-Request-ID"]
        eventually(lambda: request_id in serving.logged)
        last = serving.logged.splitlines()[-1]
        assert re.fullmatch(rf".* INFO parley\.access: GET /v1/users/me 401 [\d.]+ms request_id={request_id}", last)
