"""The whole application, composed from the installed entry points, and one account of each kind."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from browser import running_chromium
from fastapi import FastAPI
from playwright.async_api import Browser

from parley_app import create_app
from parley_app.testing import Start
from parley_auth.testing import Account, an_account, auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_core.testing.documented import Documented


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the runs in tests/fire take; only this folder's conftest is read before the command line."""
    options = parser.getgroup("fire")
    options.addoption("--budget", type=int, help="how much a run in tests/fire does; its own SHORT by default")
    options.addoption("--seed", type=int, default=1, help="what its random choices begin with")


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    return reused_settings


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    return create_app([core_settings, auth_settings()])


@pytest.fixture(scope="session")
def documented() -> Documented:
    """What the OpenAPI document says of answers: the same in each test, and slow to make."""
    return Documented(create_app([auth_settings()]).openapi())


@pytest.fixture
async def client(app: FastAPI, core_settings: CoreSettings, documented: Documented) -> AsyncIterator[httpx.AsyncClient]:
    """A client that fails the test when a status or a header comes that the document doesn't name."""
    # One worker more for each that TESTS_WORKERS asks for; the requests go to them in turn.
    more = range(int(os.environ.get("TESTS_WORKERS", "1")) - 1)
    others = [create_app([core_settings, auth_settings()]) for _ in more]
    async with running_client(app, *others) as client:
        client.event_hooks["response"].append(documented.refuse)
        yield client


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, "admin")


@pytest.fixture
async def interviewer(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, "interviewer")


@pytest.fixture
async def candidate(app: FastAPI, client: httpx.AsyncClient) -> Account:
    return await an_account(app, "candidate")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `parley serve`."""
    starter = Start(tmp_path)
    yield starter
    starter.end_all()


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with running_chromium() as browser:
        yield browser
