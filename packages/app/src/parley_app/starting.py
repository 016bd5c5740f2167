"""A start that waits for MongoDB, and the answers that are given meanwhile."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from parley_app.cors import Cors
from parley_app.root_path import UnderRootPath
from parley_app.settings import AppSettings
from parley_core import StartupError
from parley_core.data.failures import stems_from_outage
from parley_core.errors import Unavailable
from parley_core.http.access import ProbeAnswers
from parley_core.http.problems import refuse
from parley_core.http.requests import RequestLog
from parley_core.log_lines import LogLine
from parley_core.waiting import end, is_set

# A start that takes no longer is answered by nobody: its clients wait in the socket's queue.
_QUIET_SECONDS = 1.0
_ALIVE = "/healthz"
_PAUSE_SECONDS = 0.3
_SECONDS_BETWEEN_LINES = 20.0
_log = logging.getLogger("parley.start")
Enter = Callable[[], AbstractAsyncContextManager[Any]]


async def enter_when_there(stack: AsyncExitStack, enter: Enter, *, wait_seconds: float | None) -> None:
    """Enter a context, again and again while it fails because MongoDB is away; say so in a line now and then.

    Args:
        stack: leaves the context.
        enter: returns a new context for each attempt.
        wait_seconds: how long to try; None without end.

    Raises:
        StartupError: MongoDB was away for so long.
        Exception: whatever else the context raised, at once.
    """
    waiting = _Waiting(wait_seconds)
    while True:
        try:
            await stack.enter_async_context(enter())
        except Exception as error:
            if not stems_from_outage(error):
                raise
            waiting.go_on_after(error)
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return


class _Waiting:
    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._began = time.monotonic()
        self._next_line = self._began

    def go_on_after(self, error: Exception) -> None:
        """Say why it goes on.

        Raises:
            StartupError: the time is over.
        """
        now = time.monotonic()
        reason = str(error) if isinstance(error, StartupError) else f"MongoDB did not answer ({type(error).__name__})"
        if self._seconds is not None and now - self._began >= self._seconds:
            raise StartupError(f"{reason}; waited {self._seconds:g} s (PARLEY_MONGODB_WAIT_SECONDS)") from error
        if now >= self._next_line:
            self._next_line = now + _SECONDS_BETWEEN_LINES
            limit = "" if self._seconds is None else f" for at most {self._began + self._seconds - now:.0f} s more"
            _log.warning(LogLine("start_waiting", f"waiting for MongoDB{limit}: {{reason}}", reason=reason))


def _refusing(settings: AppSettings, probes: ProbeAnswers) -> ASGIApp:
    app = Cors(settings.cors_origins).around(RequestLog(partial(refuse, Unavailable()), probes=probes))
    return UnderRootPath(app, settings.root_path) if settings.root_path else app


class Starting:
    """The ASGI application that serves `app`: it begins to serve although the start of `app` waits for MongoDB.

    Until that has started, `/healthz` is answered 200 and everything else 503 `unavailable` with `Retry-After`.

    Args:
        app: the application; its lifespan is replaced by one that ends its start after a moment.
        wait_seconds: how long to wait for MongoDB; None without end.
        on_failure: called with what makes the start fail, early or late.
        settings: where the application is found, and which other origins' pages may read that 503.
    """

    def __init__(
        self,
        app: FastAPI,
        *,
        wait_seconds: float | None,
        on_failure: Callable[[BaseException], None],
        settings: AppSettings,
    ) -> None:
        self._app = app
        self._enter = partial(app.router.lifespan_context, app)
        app.router.lifespan_context = self._lifespan
        self._wait_seconds = wait_seconds
        self._on_failure = on_failure
        self._alive = {_ALIVE, f"{settings.root_path or ''}{_ALIVE}"}
        self._refusing = _refusing(settings, app.state.parley.probe_answers)
        self._answer: ASGIApp = self._before_ready
        self._settled = asyncio.Event()
        self._stopping = asyncio.Event()
        self.is_ready = False

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._answer(scope, receive, send)

    def _before_ready(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        is_answered = scope["type"] == "lifespan" or scope["path"] in self._alive
        return (self._app if is_answered else self._refusing)(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        run = asyncio.create_task(self._run())
        run.add_done_callback(self._note_end)
        await is_set(self._settled, _QUIET_SECONDS)
        if run.done():
            await run
        try:
            yield
        finally:
            self._stopping.set()
            await (run if self.is_ready else end(run))

    async def _run(self) -> None:
        """Start, serve and stop: one task, because what a task enters only the same task may leave."""
        async with AsyncExitStack() as stack:
            await enter_when_there(stack, self._enter, wait_seconds=self._wait_seconds)
            self._answer, self.is_ready = self._app, True
            self._settled.set()
            await self._stopping.wait()

    def _note_end(self, run: "asyncio.Task[None]") -> None:
        self._settled.set()
        if not self.is_ready and not run.cancelled() and (error := run.exception()):
            self._on_failure(error)
