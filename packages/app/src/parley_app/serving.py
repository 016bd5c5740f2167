"""`parley serve`, from the first check to the last process: composition, socket, database, uvicorn; back in reverse."""

import asyncio
import logging.config
import signal
import sys
from contextlib import ExitStack

import typer
from fastapi import FastAPI

from parley_app.application import VERSION, create_app
from parley_app.listening import listen, url_of
from parley_app.logs import LOGGING
from parley_app.messages import announce
from parley_app.servers import serve_here, serve_with_workers
from parley_core import Parley, StartupError
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings

_STOPPING = (signal.SIGINT, signal.SIGTERM)


def run(*, host: str, port: int, workers: int) -> None:
    """Serves until SIGTERM or SIGINT, then raises SystemExit(0).

    Raises:
        StartupError: what stands in the way of serving, or took it away.
    """
    logging.config.dictConfig(LOGGING)
    _stop_on_signals()
    app = create_app(announce=announce)
    parley: Parley = app.state.parley
    parley.verify(app)
    with ExitStack() as running:
        listener = running.enter_context(listen(host, port))
        database = _embedded_database(parley, running)

        def tell_ready() -> None:
            _tell_ready(parley, url_of(listener, host), workers)

        def watch() -> StartupError | None:
            return _failure_of(database)

        if workers == 1:
            serve_here(app, listener, on_ready=tell_ready, watch=watch)
        else:
            asyncio.run(_prepare(app))
            serve_with_workers(workers, listener, on_ready=tell_ready, watch=watch)


def _stop_on_signals() -> None:
    for number in _STOPPING:
        signal.signal(number, lambda *_: sys.exit(0))
    # The terminal was closed; under nohup it may be.
    hangup = getattr(signal, "SIGHUP", None)
    if hangup and signal.getsignal(hangup) is not signal.SIG_IGN:
        signal.signal(hangup, lambda *_: signal.raise_signal(signal.SIGTERM))


def _finish_undisturbed() -> None:
    """From here on a second Ctrl-C doesn't keep the database from closing."""
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)


def _embedded_database(parley: Parley, running: ExitStack) -> EmbeddedMongoDB | None:
    """The embedded MongoDB, unless a setting names a server. Workers find it by the data directory."""
    core = parley.settings(CoreSettings)
    if core.mongodb_uri:
        return None
    database = EmbeddedMongoDB.start(core.data_dir, mongod=core.mongod, announce=typer.echo)
    running.enter_context(database)
    running.callback(_finish_undisturbed)
    return database


def _failure_of(database: EmbeddedMongoDB | None) -> StartupError | None:
    code = database.poll() if database else None
    if not database or code is None:
        return None
    return StartupError(f"the embedded MongoDB ended by itself (code {code}): its log lies in {database.data_dir}")


async def _prepare(app: FastAPI) -> None:
    """Starts the application once and stops it, so that what is wrong is told once and not by each worker.

    Indexes and the first administrator exist from then on.
    """
    async with app.router.lifespan_context(app):
        pass


def _tell_ready(parley: Parley, url: str, workers: int) -> None:
    core = parley.settings(CoreSettings)
    kept = f"{parley.data_dir} (embedded MongoDB)" if parley.data_dir else "the MongoDB that PARLEY_MONGODB_URI names"
    typer.echo(
        f"Parley {VERSION} is ready.\n"
        f"  API      {url}\n"
        f"  Docs     {f'{url}/docs' if core.docs else 'switched off'}\n"
        f"  Data     {kept}\n"
        f"  Workers  {workers}\n"
        "Press Ctrl-C to stop."
    )
