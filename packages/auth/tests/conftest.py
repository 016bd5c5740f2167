"""What the tests of auth share: an application of auth alone, one account of each role, and a strict client."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pymongo import MongoClient

import parley_auth.plugin
from parley_auth.testing import PASSWORD, People, auth_settings, some_people
from parley_core.embedded import embedded_mongodb
from parley_core.settings import CoreSettings
from parley_core.testing import MovableClock, an_application, running_client

FRAMEWORK_CODES = {"not_found", "method_not_allowed", "internal_error"}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def app(core_settings: CoreSettings, clock: MovableClock) -> FastAPI:
    return an_application([core_settings, auth_settings()], [parley_auth.plugin], clock=clock)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that fails the test when an operation answers with a code that its documentation doesn't name."""
    async with running_client(app) as client:
        client.event_hooks["response"].append(_refusing_undocumented(app))
        yield client


@pytest.fixture
async def people(app: FastAPI, client: httpx.AsyncClient) -> People:
    return await some_people(app, password=PASSWORD)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of an embedded MongoDB that runs, as `parley serve` has one."""
    path = tmp_path_factory.mktemp("data")
    with embedded_mongodb(path):
        yield path


@pytest.fixture
def embedded_settings(data_dir: Path) -> Iterator[CoreSettings]:
    """Settings of an application on its embedded database; database and secret are gone after the test."""
    yield CoreSettings(data_dir=data_dir, mongodb_database="embedded")
    (data_dir / "jwt_secret").unlink(missing_ok=True)
    with embedded_mongodb(data_dir) as uri, MongoClient[dict[str, Any]](uri) as client:
        client.drop_database("embedded")


def _refusing_undocumented(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    documented = {
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path))): _codes_of(operation)
        for path, operations in sorted(app.openapi()["paths"].items(), key=lambda item: "{" in item[0])
        for method, operation in operations.items()
    }

    async def check(response: httpx.Response) -> None:
        if response.status_code < 400:
            return
        await response.aread()
        place = (response.request.method, response.request.url.path)
        codes = next((codes for (m, p), codes in documented.items() if m == place[0] and p.fullmatch(place[1])), set())
        assert response.json()["code"] in codes | FRAMEWORK_CODES, place

    return check


def _codes_of(operation: dict[str, Any]) -> set[str]:
    problems = [answer["content"] for status, answer in operation["responses"].items() if status >= "400"]
    return {code for content in problems for code in content["application/problem+json"]["examples"]}
