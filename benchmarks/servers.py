"""The servers: Parley with and without its cache, the baselines, and those peers whose programs are there."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.data import SECRET
from benchmarks.machine import Server, serving

_PEERS = Path(__file__).parent / "peers"
ADMIN = {"email": "admin@example.com", "password": "nine green bottles of beer"}
_UVICORN = (sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log")
_QUIET = (*_UVICORN, "--log-level", "warning")


def _parley(uri: str, database: str, **more: str) -> dict[str, str]:
    return {
        "PARLEY_MONGODB_URI": uri,
        "PARLEY_MONGODB_DATABASE": database,
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_ADMIN_EMAIL": ADMIN["email"],
        "PARLEY_ADMIN_PASSWORD": ADMIN["password"],
        **more,
    }


@contextmanager
def parley(uri: str, database: str, name: str = "parley", **more: str) -> Iterator[Server]:
    """Parley as uvicorn runs it."""
    command = (*_QUIET, "--factory", "parley_app:create_app")
    with serving(name, command, _parley(uri, database, **more)) as server:
        yield server


def _bench(uri: str, database: str) -> dict[str, str]:
    return {"BENCH_MONGODB_URI": uri, "BENCH_DATABASE": database, "BENCH_SECRET": SECRET, "BENCH_PORT": "{port}"}


@contextmanager
def everybody(uri: str, database: str) -> Iterator[dict[str, Server]]:
    """All servers on one database, by name; a peer whose program isn't there is left out."""
    environment = _bench(uri, database)
    baselines = ("bare", "fastapi", "naive")
    commands: dict[str, tuple[str, ...]] = {name: (*_QUIET, f"benchmarks.baselines:{name}") for name in baselines}
    if eve := os.environ.get("BENCH_EVE_PYTHON"):
        gunicorn = (eve, "-m", "gunicorn", "-w", "1", "-k", "gthread", "--threads", "8", "--keep-alive", "75")
        listening = ("--log-level", "warning", "-b", "127.0.0.1:{port}", "--chdir", str(_PEERS), "eve_app:app")
        commands["eve"] = (*gunicorn, *listening)
    if fastify := os.environ.get("BENCH_FASTIFY_DIR"):
        program = Path(fastify) / "fastify_app.mjs"
        program.write_text((_PEERS / "fastify_app.js").read_text())
        commands["fastify"] = ("node", str(program))
        environment["NODE_ENV"] = "production"
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(name, command, environment)) for name, command in commands.items()}
        servers["parley"] = stack.enter_context(parley(uri, database))
        servers["uncached"] = stack.enter_context(parley(uri, database, "uncached", PARLEY_CACHE_ENABLED="false"))
        yield servers


@contextmanager
def floor() -> Iterator[Server]:
    """FastAPI and PyMongo imported and a port opened, nothing else."""
    with serving("floor", (*_QUIET, "benchmarks.baselines:fastapi"), {}) as server:
        yield server
