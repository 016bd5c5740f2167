"""The servers: Parley with and without its cache, the baselines, and the peers whose programs are installed."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.data import SECRET
from benchmarks.machine import ROOT, SERVER_CORE, Server, call, serving
from parley_core.embedded import embedded_mongodb

_PEERS = Path(__file__).parent / "peers"
ADMIN = {"email": "admin@example.com", "password": "nine green bottles of beer"}
_UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "warning")
_LOOKS = 100
_NOTHING: Mapping[str, str] = MappingProxyType({})
_HERE = (sys.executable, *_UVICORN)


@dataclass(frozen=True)
class Tree:
    """A working tree of the project, and the Python that has its packages installed."""

    root: Path
    python: str


HERE = Tree(ROOT, sys.executable)


def _parley(uri: str, database: str, **more: str) -> dict[str, str]:
    return {
        "PARLEY_MONGODB_URI": uri,
        "PARLEY_MONGODB_DATABASE": database,
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_ADMIN_EMAIL": ADMIN["email"],
        "PARLEY_ADMIN_PASSWORD": ADMIN["password"],
        "PARLEY_ACCESS_TOKEN_MINUTES": "60",
        **more,
    }


@contextmanager
def mongodb() -> Iterator[str]:
    """Run a MongoDB for this benchmark only, on the core of the load."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder, embedded_mongodb(Path(folder)) as uri:
        yield uri


@contextmanager
def parley(
    uri: str,
    database: str,
    name: str = "parley",
    *,
    tree: Tree = HERE,
    factory: str = "parley_app:create_app",
    **more: str,
) -> Iterator[Server]:
    """Run Parley under uvicorn; `more` is added to its environment."""
    command = (tree.python, *_UVICORN, "--factory", factory)
    with serving(name, command, _parley(uri, database, **more), cwd=tree.root) as server:
        yield server


@contextmanager
def parley_serve(
    uri: str,
    database: str,
    name: str,
    *,
    workers: int = 1,
    cores: Sequence[int] = (SERVER_CORE,),
    more: Mapping[str, str] = _NOTHING,
) -> Iterator[Server]:
    """Run `parley serve`; `more` is added to its environment."""
    serve = ("serve", "--port", "{port}", "--workers", str(workers))
    command = (sys.executable, "-c", "from parley_app.cli import main; main()", *serve)
    with serving(name, command, _parley(uri, database, **more), cores=cores) as server:
        _wait_until_ready(server)
        yield server


def _wait_until_ready(server: Server) -> None:
    # The port is open before.
    for _ in range(_LOOKS):
        with suppress(OSError):
            call(server, "/readyz")
            return
        time.sleep(0.5)
    raise RuntimeError(f"{server.name} did not become ready")


def _bench(uri: str, database: str) -> dict[str, str]:
    return {"BENCH_MONGODB_URI": uri, "BENCH_DATABASE": database, "BENCH_SECRET": SECRET, "BENCH_PORT": "{port}"}


@contextmanager
def everybody(uri: str, database: str) -> Iterator[dict[str, Server]]:
    """Run all servers on one database, without the peers whose programs are not installed."""
    environment = _bench(uri, database)
    baselines = ("bare", "fastapi", "naive")
    commands: dict[str, tuple[str, ...]] = {name: (*_HERE, f"benchmarks.baselines:{name}") for name in baselines}
    if eve := os.environ.get("BENCH_EVE_PYTHON"):
        gunicorn = (eve, "-m", "gunicorn", "-w", "1", "-k", "gthread", "--threads", "8", "--keep-alive", "75")
        listening = ("--log-level", "warning", "-b", "127.0.0.1:{port}", "--chdir", str(_PEERS), "eve_app:app")
        commands["eve"] = (*gunicorn, *listening)
    if beanie := os.environ.get("BENCH_BEANIE_PYTHON"):
        commands["beanie"] = (beanie, *_UVICORN, "--app-dir", str(_PEERS), "beanie_app:app")
    if fastify := os.environ.get("BENCH_FASTIFY_DIR"):
        program = Path(fastify) / "fastify_app.mjs"
        program.write_text((_PEERS / "fastify_app.js").read_text())
        commands["fastify"] = ("node", str(program))
        environment["NODE_ENV"] = "production"
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(name, command, environment)) for name, command in commands.items()}
        servers["parley"] = stack.enter_context(parley(uri, database))
        servers["bare update"] = stack.enter_context(parley(uri, database, factory="benchmarks.bare:create_app"))
        servers["uncached"] = stack.enter_context(parley(uri, database, "uncached", PARLEY_CACHE_ENABLED="false"))
        yield servers


@contextmanager
def floor() -> Iterator[Server]:
    """Run a server that imports FastAPI and PyMongo and opens a port, nothing else."""
    with serving("floor", (*_HERE, "benchmarks.baselines:fastapi"), {}) as server:
        yield server
