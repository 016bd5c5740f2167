"""uvicorn, in this process or in several, watched from outside of it."""

import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from parley_app.logs import LOGGING
from parley_core import StartupError

# A request's database work is bounded by 5 s; a shorter time here would turn slow requests into errors.
_GRACEFUL_SECONDS = 10
_LEAVING_SECONDS = 15
# A worker answers only when it has imported everything, which takes long on a busy machine's first start.
_HEALTH_SECONDS = 15
Action = Callable[[], None]
Watch = Callable[[], StartupError | None]


def serve_here(app: FastAPI, listener: socket.socket, *, on_ready: Action, watch: Watch) -> None:
    """Serves in this process until a signal, which is then raised again for the handler that was there before.

    Args:
        app: the application.
        listener: the socket.
        on_ready: called once requests are answered.
        watch: called twice a second or more; serving ends with the error that it answers.

    Raises:
        StartupError: the application didn't start, or `watch` has found an error.
    """
    server = _Server(_config(app), on_ready, watch)
    hand_over_failed_start(app, server.failures.append)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        if not server.failures:
            raise
    if server.failures:
        raise server.failures[0]


def serve_with_workers(count: int, listener: socket.socket, *, on_ready: Action, watch: Watch) -> None:
    """Serves in worker processes until a signal; arguments as for `serve_here`.

    Raises:
        StartupError: a worker didn't start, or `watch` has found an error.
    """
    config = _config("parley_app.worker:create_app", factory=True, workers=count)
    _Supervisor(config, listener, on_ready, watch).run()


def hand_over_failed_start(app: FastAPI, tell: Callable[[StartupError], None]) -> None:
    """Gives the error of a failed start to `tell`, in place of the traceback that uvicorn would log."""
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def told(app: Any) -> AsyncIterator[Any]:
        try:
            async with lifespan(app) as state:
                yield state
        except StartupError as error:
            logging.getLogger("uvicorn.error").disabled = True
            tell(error)
            raise

    app.router.lifespan_context = told


def _config(app: FastAPI | str, **options: Any) -> uvicorn.Config:
    """Settings of uvicorn. Which proxies' headers count is told by uvicorn's own FORWARDED_ALLOW_IPS."""
    return uvicorn.Config(
        app,
        log_config=LOGGING,
        # Its lines hold whole paths and queries; parley.access logs the route instead.
        access_log=False,
        server_header=False,
        proxy_headers=True,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        timeout_worker_healthcheck=_HEALTH_SECONDS,
        **{"workers": 1, **options},
    )


class _Server(uvicorn.Server):
    """One serving process that is also the one which was started."""

    def __init__(self, config: uvicorn.Config, on_ready: Action, watch: Watch) -> None:
        super().__init__(config)
        self.failures: list[StartupError] = []
        self._on_ready = on_ready
        self._watch = watch

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn takes a second Ctrl-C, which a wrapper such as `uv run` sends at once, as an order to drop all.
        if not self.should_exit:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        if failure := self._watch():
            self.failures.append(failure)
        return bool(self.failures) or await super().on_tick(counter)


class _Supervisor(Multiprocess):
    """The parent of several serving processes."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, on_ready: Action, watch: Watch) -> None:
        super().__init__(config, [listener])
        self._on_ready: Action | None = on_ready
        self._watch = watch

    def run(self) -> None:
        try:
            super().run()
        except StartupError:
            self.terminate_all()
            self.join_all()
            raise

    def keep_subprocess_alive(self) -> None:
        if self.should_exit.is_set():
            return
        if failure := self._watch():
            raise failure
        for worker in self.processes:
            # With this copy of the worker's end open, a dead worker's answer would be waited for.
            worker.child_conn.close()
        super().keep_subprocess_alive()
        # No signal has come, so this is a worker's failure.
        if self.should_exit.is_set():
            raise StartupError("a worker could not start; its reason stands above")
        if self._on_ready and all(process.is_ready() for process in self.processes):
            self._on_ready()
            self._on_ready = None

    def join_all(self) -> None:
        """Waits for every worker to leave, and kills those that don't."""
        deadline = time.monotonic() + _LEAVING_SECONDS
        for worker in self.processes:
            worker.process.join(max(0, deadline - time.monotonic()))
            worker.process.kill()
            worker.process.join()
