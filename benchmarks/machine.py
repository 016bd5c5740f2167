"""The processes of the benchmark. Each is pinned to a core, ended by its own id, and bounded in time."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONNECTIONS = 32
_START_SECONDS = 90
_PINNED = """import os, sys
os.sched_setaffinity(0, set(map(int, sys.argv[1].split(","))))
os.execvp(sys.argv[2], sys.argv[2:])"""
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    name: str
    port: int
    pid: int
    started_in: float

    def cpu_seconds(self) -> float:
        """Return the processor time that the server's processes have used."""
        ticks = sum(sum(map(int, _stat(pid)[11:13])) for pid in [self.pid, *_children(self.pid)])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Return the resident memory of the server's processes."""
        pages = sum(int(_stat(pid)[21]) for pid in [self.pid, *_children(self.pid)])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def pinned(command: Sequence[str], *cores: int) -> list[str]:
    """Return a command that runs another one on these cores only."""
    return [sys.executable, "-c", _PINNED, ",".join(map(str, cores)), *command]


@contextmanager
def serving(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    cwd: Path = ROOT,
    cores: Sequence[int] = (SERVER_CORE,),
) -> Iterator[Server]:
    """Run a server on some cores; `{port}` in its command and environment is its port."""
    port = free_port()
    settings = {key: value.replace("{port}", str(port)) for key, value in environment.items()}
    on_cores = pinned([part.replace("{port}", str(port)) for part in command], *cores)
    began = time.perf_counter()
    with subprocess.Popen(on_cores, env=os.environ | settings, cwd=cwd) as process:
        try:
            _wait_for(port, process)
            yield Server(name, port, process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.005)
    raise RuntimeError(f"a server did not start: {process.args!r}")


def load(server: Server, requests: Sequence[str], *, seconds: float, connections: int = CONNECTIONS) -> dict[str, Any]:
    """Load a server from the other core.

    Returns:
        Requests per second, latencies in ms, the count of each status, and the CPU time of a request in us.
    """
    before = server.cpu_seconds()
    load_of = [sys.executable, "-m", "benchmarks.load", str(server.port), str(connections), str(seconds)]
    done = subprocess.run(
        pinned(load_of, LOAD_CORE),
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
        cwd=ROOT,
    )
    results: dict[str, Any] = json.loads(done.stdout)
    results["cpu_us"] = (server.cpu_seconds() - before) / max(results["requests"], 1) * 1e6
    return results


def request(
    path: str, token: str | None = None, body: Mapping[str, Any] | None = None, *, method: str | None = None
) -> str:
    """Return a whole HTTP request; without a method it is a POST if it has a body, else a GET."""
    content = json.dumps(body) if body is not None else ""
    method = method or ("GET" if body is None else "POST")
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*lines, "", content])


def call(server: Server, path: str, token: str | None = None, body: Mapping[str, Any] | None = None) -> Any:
    """Return the JSON answer to one request."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    address = f"http://127.0.0.1:{server.port}{path}"
    with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=20) as answer:
        return json.load(answer)
