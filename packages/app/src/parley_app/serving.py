"""`parley serve`: it starts application, socket, database and server, and stops them in reverse order."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import typer
from fastapi import FastAPI

from parley_app import server
from parley_app.application import create_app
from parley_app.hangup import on_hangup
from parley_app.index import console_in
from parley_app.listening import listen, url_of
from parley_app.messages import announce, show_ready
from parley_app.settings import AppSettings, read_settings
from parley_app.supervisor import Supervisor, ignore_stop_signals
from parley_app.telemetry import export, wanted_signals
from parley_app.unix_socket import listen_at
from parley_app.version import VERSION
from parley_core import Parley, StartupError
from parley_core.data.failures import stems_from_outage
from parley_core.embedded import EmbeddedMongoDB, Keeper
from parley_core.kernel.settings import CoreSettings
from parley_core.log_lines import LogLine

_log = logging.getLogger("parley.app")


def run(
    *, host: str | None = None, port: int | None = None, uds: Path | None = None, workers: int | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then raise SystemExit with code 0.

    Args:
        host: the address to listen on; None for the one that the settings name, as with the others.
        port: the port.
        uds: the path of a Unix domain socket to listen on in place of host and port.
        workers: the number of processes.

    Raises:
        StartupError: the reason why it can't serve, or can't continue.
    """
    _stop_on_signals()
    on_stop = _exporting(workers)
    app = create_app(announce=announce)
    parley: Parley = app.state.parley
    parley.verify(app)
    settings = parley.settings(AppSettings)
    host, port = settings.place(host, port)
    workers = settings.listen_workers if workers is None else workers
    with ExitStack() as running:
        listener, url = running.enter_context(_listening_at(uds) if uds else _listening_on(host, port))
        watch = _embedded_database(parley, running)
        on_ready = partial(_report_ready, app, url, settings.root_path or "", workers)
        wait_seconds = settings.mongodb_wait_seconds
        if workers == 1:
            server.serve(app, listener, on_ready=on_ready, watch=watch, wait_seconds=wait_seconds, on_stop=on_stop)
        else:
            asyncio.run(_prepare(parley, app, wait_seconds))
            Supervisor(
                workers,
                listener,
                on_ready=on_ready,
                watch=watch,
                wait_seconds=wait_seconds,
                drain_seconds=settings.drain_seconds,
            ).run()


def _exporting(workers: int | None) -> server.Action:
    """Export what this process does if it serves itself, else find out whether its workers can; return what ends it."""
    if workers is None:
        # What is wrong with the settings is reported when all of them are read.
        with suppress(StartupError):
            workers = read_settings().listen_workers
    if workers == 1:
        return export()
    wanted_signals()
    return lambda: None


def _report_ready(app: FastAPI, url: str, root_path: str, workers: int) -> None:
    show_ready(app.state.parley, url, root_path, workers, console=console_in(app))
    _log.info(LogLine("ready", "ready at {url}", url=url, workers=workers, version=VERSION))


@contextmanager
def _listening_on(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    with listen(host, port) as listener:
        yield listener, url_of(listener, host)


@contextmanager
def _listening_at(uds: Path) -> Iterator[tuple[socket.socket, str]]:
    with listen_at(uds.absolute()) as listener:
        yield listener, f"unix:{uds.absolute()}"


def _stop_on_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    on_hangup(_keep_the_only_worker)


def _keep_the_only_worker() -> None:
    text = "SIGHUP replaces several workers one by one: one alone goes on as it is"
    _log.warning(LogLine("hangup_ignored", text))


def _stop(*_: object) -> None:
    ignore_stop_signals()
    sys.exit(0)


def _embedded_database(parley: Parley, running: ExitStack) -> server.Watch:
    """Start the embedded MongoDB, unless a setting names a server; return what starts it again.

    Workers find it through the data directory.
    """
    core = parley.settings(CoreSettings)
    if core.mongodb_uri:
        return lambda: None
    database = EmbeddedMongoDB.start(core.data_dir, mongod=core.mongod, announce=typer.echo, is_kept=True)
    running.enter_context(database)
    running.callback(ignore_stop_signals)
    return Keeper(database).look


async def _prepare(parley: Parley, app: FastAPI, wait_seconds: float) -> None:
    """Start the application and stop it, so that an error is reported once and not by each worker.

    Afterwards the indexes and the first administrator exist, unless MongoDB is away: the workers wait for it.
    """
    try:
        async with parley.lifespan(app):
            pass
    except Exception as error:
        if not wait_seconds or not stems_from_outage(error):
            raise
