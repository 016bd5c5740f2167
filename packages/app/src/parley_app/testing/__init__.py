"""The `parley` command as real processes, for tests."""

import json
import os
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from parley_app.testing.connections import Answer, Connection
from parley_app.testing.processes import descendants, lives, read
from parley_core.testing.log_lines import problems_of

__all__ = [
    "PARLEY",
    "Answer",
    "Connection",
    "Serving",
    "Start",
    "environment",
    "eventually",
    "has_ipv6",
    "install_plugin",
    "lines_about",
    "lines_of",
    "lives",
    "messages",
    "parley",
]

PARLEY = str(Path(sysconfig.get_path("scripts"), "parley"))
_SECONDS = 60  # a busy machine takes half of it to start three workers


@dataclass
class Serving:
    """A running `parley serve`."""

    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    @property
    def printed(self) -> str:
        """The text that it has printed on standard output."""
        return self.output.read_text()

    @property
    def logged(self) -> str:
        """The text that it has printed on standard error."""
        return self.errors.read_text()

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its log so far; none may be text."""
        lines = self.logged.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    @property
    def url(self) -> str:
        """The address of the API, as the command prints it."""
        return self._line("API")

    @property
    def data_dir(self) -> Path:
        """The data directory of the embedded MongoDB, as the command prints it."""
        return Path(self._line("Data").removesuffix(" (embedded MongoDB)"))

    def _line(self, what: str) -> str:
        lines = [line.split(maxsplit=1) for line in self.printed.splitlines() if line.startswith("  ")]
        return dict(lines)[what]

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.url).port or 80

    def get(self, path: str) -> httpx.Response:
        """The answer to a GET."""
        return httpx.get(f"{self.url}{path}", timeout=10)

    def connect(self) -> Connection:
        """Return a new connection to it."""
        return Connection(self.port)

    def family(self, named: str = "") -> list[int]:
        """The process and its descendants, or those of them whose command line contains a word."""
        family = [self.process.pid, *descendants(self.process.pid)]
        return [pid for pid in family if named in read(pid, "cmdline")]

    def wait_until_ready(self) -> None:
        """Return when it reports that it is ready; fail when it ends before."""
        eventually(lambda: "is ready" in self.printed or self.process.poll() is not None)
        assert "is ready" in self.printed, self.logged

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_SECONDS)


def has_ipv6() -> bool:
    """Return whether this machine has the loopback address of IPv6; a container may have none."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def eventually(condition: Callable[[], bool], seconds: float = _SECONDS) -> None:
    """Return when the condition is true; fail when it isn't in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def lines_about(serving: Serving, request_id: str) -> list[dict[str, Any]]:
    """Return the log's lines about a request so far."""
    return [line for line in serving.log if line.get("request_id") == request_id]


def lines_of(event: str, serving: Serving) -> list[dict[str, Any]]:
    """Return the log's lines of an event so far."""
    return [line for line in serving.log if line.get("event") == event]


def messages(logged: str) -> list[str]:
    """Return what the lines of a log say to people."""
    return [json.loads(line)["message"] for line in logged.splitlines()]


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with these PARLEY_ settings and no others."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    # Without its bytecode a process takes three times as long to start, and tests start many.
    outer.pop("PYTHONDONTWRITEBYTECODE", None)
    return outer | settings


def parley(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [PARLEY, *map(str, arguments)]
    return subprocess.run(
        command, env=environment(**settings), capture_output=True, text=True, timeout=_SECONDS, check=False
    )


def install_plugin(folder: Path, name: str, source: str) -> None:
    """Write a plugin package, version 1.2.3, into a folder; with the folder on the path it is installed."""
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.2.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n")
    (info / "entry_points.txt").write_text(f"[parley]\n{name} = {name}\n")


class Start:
    """Starts `parley serve` processes and ends them.

    Args:
        folder: where the output is written.
        open_files: how many files each process may open at most; None for as many as this one.
        command: the `parley` of another environment; by default that of this one.
        what: the command that serves.
    """

    def __init__(
        self, folder: Path, *, open_files: int | None = None, command: str = PARLEY, what: str = "serve"
    ) -> None:
        self._folder = folder
        self._command, self._what = command, what
        self._open_files = open_files
        self._started: list[Serving] = []
        self._logs: list[Path] = []

    def __call__(self, *options: str | Path, **settings: str) -> Serving:
        """Start one and return when it is ready."""
        serving = self.unready(*options, **settings)
        serving.wait_until_ready()
        return serving

    def unready(self, *options: str | Path, **settings: str) -> Serving:
        """Start one and return at once."""
        output, errors = (self._folder / f"{name}-{len(self._started)}" for name in ("output", "errors"))
        limited = ("prlimit", f"--nofile={self._open_files}") if self._open_files else ()
        somewhere = () if {"--port", "--uds"} & set(options) else ("--port", "0")
        command = [*limited, self._command, self._what, *somewhere, *map(str, options)]
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(command, env=environment(**settings), stdout=out, stderr=err)
        self._started.append(Serving(process, output, errors))
        if settings.get("PARLEY_LOG_FORMAT") != "text":
            self._logs.append(errors)
        return self._started[-1]

    def end_all(self) -> None:
        """Kill the processes that still run, which is faster than stopping them; their children end too.

        Raises:
            AssertionError: a line of a log that isn't text is no JSON.
        """
        for serving in self._started:
            serving.process.kill()
            serving.process.wait(_SECONDS)
        wrong = [
            (line, found) for log in self._logs for line in log.read_text().splitlines() if (found := problems_of(line))
        ]
        assert not wrong, wrong
