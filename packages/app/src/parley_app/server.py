"""One serving process: uvicorn, which reports when it is ready and stops when `watch` returns an error."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI

from parley_app.connections import Connections, Limits
from parley_app.cors import Cors
from parley_app.descriptors import raise_limit, reserve_of
from parley_app.draining import Draining, LateStop
from parley_app.protocol import Protocol
from parley_app.proxies import Proxies
from parley_app.settings import AppSettings
from parley_app.starting import Starting
from parley_core import Parley, StartupError
from parley_core.kernel.settings import CoreSettings

# A request's database work is bounded by 5 s; a shorter time here would turn slow requests into errors.
_GRACEFUL_SECONDS = 10
Action = Callable[[], object]
Watch = Callable[[], StartupError | None]


def serve(
    app: FastAPI,
    listener: socket.socket,
    *,
    on_ready: Action,
    watch: Watch = lambda: None,
    wait_seconds: float | None = None,
    on_stop: Action = lambda: None,
    draining: Draining | None = None,
) -> None:
    """Serve in this process until a signal arrives, then raise it again for the previous handler.

    Args:
        app: the application.
        listener: the socket.
        on_ready: called once requests are answered.
        watch: called every second; serving ends with the error that it returns.
        wait_seconds: how long the start waits for MongoDB, while requests are answered 503; None without end.
        on_stop: called when all requests are answered and the application has stopped, before the signal is raised.
        draining: that of the process that started this one and delays the stop for all; None where this one does.

    Raises:
        StartupError: the application didn't start, or `watch` returned an error.
    """
    server = _Server(app, on_ready=on_ready, watch=watch, wait_seconds=wait_seconds, on_stop=on_stop, draining=draining)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        if not server.failure:
            raise
    if server.failure:
        raise server.failure


class _Server(uvicorn.Server):
    def __init__(
        self,
        app: FastAPI,
        *,
        on_ready: Action,
        watch: Watch,
        wait_seconds: float | None,
        on_stop: Action,
        draining: Draining | None,
    ) -> None:
        self.failure: BaseException | None = None
        self._on_ready: Action | None = on_ready
        self._watch = watch
        self._on_stop = on_stop
        parley: Parley = app.state.parley
        self._connections = Connections(_limits_of(parley))
        settings = parley.settings(AppSettings)
        own = Draining()
        parley.provide(draining or own)
        self._late_stop = LateStop(own, 0 if draining else settings.drain_seconds)
        self._starting = Starting(app, wait_seconds=wait_seconds, on_failure=self._fail, settings=settings)
        cors = Cors(settings.cors_origins)
        http = partial(Protocol, self._connections, _keepers_of_ids(parley), cors, parley.probe_answers)
        config = uvicorn.Config(
            self._starting,
            interface="asgi3",
            http=cast("type[asyncio.Protocol]", http),
            log_config=None,
            # uvicorn's lines contain whole paths and queries; parley.access logs the route instead.
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=_trusted_proxies(parley),
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            callback_notify=self._tick,
            timeout_notify=0,
        )
        super().__init__(config)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.failure:
            self.should_exit = True
        # uvicorn drops running requests at a second Ctrl-C, which a wrapper such as `uv run` sends at once.
        if not self.should_exit:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._on_stop()

    async def _tick(self) -> None:
        """Run once a second while requests are answered."""
        if self._on_ready and self._starting.is_ready:
            self._late_stop.install()
            self._on_ready()
            self._on_ready = None
        self._connections.end_overdue()
        if not self.failure and (failure := self._watch()):
            self._fail(failure)

    def _fail(self, failure: BaseException) -> None:
        """Stop as at a signal, which ends the streams first; `serve` raises the failure."""
        self.failure = failure
        self._late_stop.give_up()
        # In place of the traceback that uvicorn would log.
        logging.getLogger("uvicorn.error").disabled = True
        signal.raise_signal(signal.SIGTERM)


def _trusted_proxies(parley: Parley) -> list[str] | None:
    proxies = parley.settings(AppSettings).trusted_proxies
    # None lets uvicorn read FORWARDED_ALLOW_IPS.
    return None if proxies is None else list(proxies)


def _keepers_of_ids(parley: Parley) -> Proxies | None:
    settings = parley.settings(AppSettings)
    return None if settings.request_id_from == "all" else Proxies(settings.trusted_proxies)


def _limits_of(parley: Parley) -> Limits:
    """Raise the limit of open files, and return what a client may use."""
    settings, open_files = parley.settings(AppSettings), raise_limit()
    reserve = reserve_of(open_files, pool_size=parley.settings(CoreSettings).mongodb_pool_size)
    return Limits(
        connections=open_files - reserve,
        refused=reserve // 4,
        head_bytes=settings.header_bytes,
        head_seconds=settings.header_seconds,
        write_seconds=settings.write_seconds,
    )
