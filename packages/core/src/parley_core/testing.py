"""Fixtures and helpers for tests, as a pytest plugin: `-p parley_core.testing`.

Tests talk to a real MongoDB: the embedded one, started once for a test run, with a database of its own for each test.
"""

import inspect
import itertools
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI
from pymongo import MongoClient

from parley_core.embedded import embedded_mongodb
from parley_core.http.probes import router as operations
from parley_core.kernel.application import Parley
from parley_core.kernel.settings import PREFIX, CoreSettings, Settings
from parley_core.markers import hookimpl

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


class MovableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        """Moves the clock forwards."""
        self.now += by


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, like the server."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the test run's MongoDB."""
    given = os.environ.get("PARLEY_MONGOD")
    with embedded_mongodb(tmp_path_factory.mktemp("mongodb"), mongod=Path(given) if given else None) as uri:
        yield uri


@pytest.fixture(scope="session")
def _remover(mongodb_uri: str) -> Iterator[MongoClient[dict[str, object]]]:
    # Unacknowledged, since removing a database takes a tenth of a second that no test needs to wait for.
    with MongoClient[dict[str, object]](mongodb_uri, w=0) as client:
        yield client


@pytest.fixture
def core_settings(mongodb_uri: str, _remover: MongoClient[dict[str, object]]) -> Iterator[CoreSettings]:
    """Settings with a database that is this test's own and is dropped after it."""
    name = f"test_{uuid.uuid4().hex[:20]}"
    cached = os.environ.get("TESTS_CACHE") != "off"
    yield CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=name, cache_enabled=cached)  # type: ignore[arg-type]
    _remover.drop_database(name)


def a_plugin(name: str, **hooks: object) -> ModuleType:
    """A plugin that implements these hooks; each is a function, or what it returns: `parley_routers=[router]`."""
    plugin = ModuleType(name)
    for hook, given in hooks.items():
        setattr(plugin, hook, hookimpl(given if inspect.isfunction(given) else _returning(given)))
    return plugin


def _returning(value: object) -> Callable[[], object]:
    return lambda: value


def an_application(settings: Sequence[Settings], plugins: Sequence[object], **options: object) -> FastAPI:
    """An application that holds these plugins and the operational routes, and nothing else."""
    parley = Parley(settings, plugins=plugins, **options)  # type: ignore[arg-type]
    app = FastAPI(lifespan=parley.lifespan, openapi_url=None)
    parley.mount(app, owns_app=True)
    parley.include(app, operations, plugin="core")
    return app


@asynccontextmanager
async def running_client(app: FastAPI, *others: FastAPI, shown_errors: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the started application.

    Args:
        app: the application; it is started, and stopped at the end.
        others: more workers of it, which get the requests in turn with the first.
        shown_errors: an unexpected exception in a handler fails the test; False answers 500, as a server does.
    """
    workers = [httpx.ASGITransport(app=worker, raise_app_exceptions=shown_errors) for worker in (app, *others)]
    transport = _InTurn(workers) if others else workers[0]
    async with AsyncExitStack() as stack:
        for worker in (app, *others):
            await stack.enter_async_context(worker.router.lifespan_context(worker))
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        yield await stack.enter_async_context(client)


class _InTurn(httpx.AsyncBaseTransport):
    """Gives the requests to several workers in turn."""

    def __init__(self, workers: Sequence[httpx.ASGITransport]) -> None:
        self.app = workers[0].app
        self._workers = itertools.cycle(workers)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await next(self._workers).handle_async_request(request)


async def walk(client: httpx.AsyncClient, address: str, **options: object) -> AsyncIterator[httpx.Response]:
    """Every page of a list, from `address` on along `next`; at most 1,000."""
    for _ in range(1000):
        page = await client.get(address, **options)  # type: ignore[arg-type]
        yield page
        address = page.json().get("next")
        if not address:
            return
    raise AssertionError("the list does not end")
