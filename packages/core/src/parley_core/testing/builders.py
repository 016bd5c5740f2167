"""Builders: a plugin, an application, a client and a clock for tests."""

import asyncio
import inspect
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from types import ModuleType

import httpx
from fastapi import FastAPI

from parley_core.http.probes import PUBLIC
from parley_core.http.probes import router as operations
from parley_core.kernel.application import Parley
from parley_core.kernel.settings import CoreSettings, Settings
from parley_core.log.reader import EventLog, LogEntry, LogFilter
from parley_core.log.relay import Relay
from parley_core.markers import hookimpl

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


class MovableClock:
    """A clock that shows the same instant until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        """Move the clock forwards."""
        self.now += by


def a_plugin(name: str, **hooks: object) -> ModuleType:
    """Return a plugin with these hooks, each given as a function or as what it returns: `parley_routers=[router]`."""
    plugin = ModuleType(name)
    for hook, given in hooks.items():
        setattr(plugin, hook, hookimpl(given if inspect.isfunction(given) else _returning(given)))
    return plugin


def _returning(value: object) -> Callable[[], object]:
    return lambda: value


def an_application(settings: Sequence[Settings], plugins: Sequence[object], **options: object) -> FastAPI:
    """Return an application that holds these plugins and the operational routes, and nothing else.

    Without parley-auth among the plugins nobody proves that their routes are guarded.
    """
    parley = Parley(settings, plugins=plugins, **{"unguarded": True, **options})  # type: ignore[arg-type]
    app = FastAPI(lifespan=parley.lifespan, openapi_url=None)
    parley.mount(app, owns_app=True)
    parley.include(app, operations, plugin="core", public=PUBLIC)
    return app


@asynccontextmanager
async def running_client(app: FastAPI, *others: FastAPI, shown_errors: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """Start the application and return a client of it.

    Args:
        app: the application; it is started, and stopped at the end.
        others: more workers of it, which take requests in turn with the first.
        shown_errors: an unexpected exception in a handler fails the test; False answers 500, as a server does.
    """
    workers = [httpx.ASGITransport(app=worker, raise_app_exceptions=shown_errors) for worker in (app, *others)]
    transport = _InTurn(workers) if others else workers[0]
    async with AsyncExitStack() as stack:
        for worker in (app, *others):
            await stack.enter_async_context(worker.router.lifespan_context(worker))
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        yield await stack.enter_async_context(client)


class EndlessBody:
    """A request's body of which nothing arrives after its first byte; it is empty once it was sent."""

    def __init__(self) -> None:
        self._is_sent = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._is_sent:
            self._is_sent = True
            yield b"{"
            await asyncio.Event().wait()


@contextmanager
def impatient(app: FastAPI) -> Iterator[None]:
    """Have an application wait a hundredth of a second for each request's body during the block."""
    parley: Parley = app.state.parley
    limits = parley.request_limits
    parley.request_limits = parley.settings(CoreSettings).model_copy(update={"body_seconds": 0.01})
    try:
        yield
    finally:
        parley.request_limits = limits


class _InTurn(httpx.AsyncBaseTransport):
    """Gives the requests to several workers in turn."""

    def __init__(self, workers: Sequence[httpx.ASGITransport]) -> None:
        self.app = workers[0].app
        self._workers = itertools.cycle(workers)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await next(self._workers).handle_async_request(request)


async def walk(client: httpx.AsyncClient, address: str, **options: object) -> AsyncIterator[httpx.Response]:
    """Return every page of a list, from `address` on along `next`; at most 1,000."""
    for _ in range(1000):
        page = await client.get(address, **options)  # type: ignore[arg-type]
        yield page
        address = page.json().get("next")
        if not address:
            return
    raise AssertionError("the list does not end")


def links_of(answer: httpx.Response) -> dict[str, str]:
    """Return the addresses in the header `Link` by their relation."""
    return {str(link["rel"]): link["url"] for link in answer.links.values()}


async def logged(app: FastAPI, subject_id: str) -> list[LogEntry]:
    """Return what the log of a running application has of one thing, once all that waits is in it; at most 1,000."""
    parley: Parley = app.state.parley
    await parley.require(Relay).drain()
    return await parley.require(EventLog).after(0, limit=1000, where=LogFilter(subject_id=subject_id))
