"""Fixtures of the tests of interviews: an application of auth and interviews, and one account of each role.

The application and its database serve a whole module: a test creates its own people and interviews and looks at no
others. Where all interviews matter, a module creates them itself.
"""

import os
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pymongo import MongoClient

import parley_auth.plugin
import parley_interviews.plugin
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Database
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, an_application, running_client
from parley_interviews.settings import InterviewSettings

FRAMEWORK_CODES = {"not_found", "method_not_allowed"}


@dataclass(frozen=True)
class People:
    """One account of each role."""

    admin: Account
    interviewer: Account
    candidate: Account


@dataclass(frozen=True)
class Deployment:
    """One database and the applications that work on it."""

    settings: CoreSettings
    clock: MovableClock

    def application(self, *plugins: object, interviews: InterviewSettings | None = None, **settings: Any) -> FastAPI:
        """Another application, as another worker has one, with further plugins and settings; not started yet."""
        all_plugins = [parley_auth.plugin, parley_interviews.plugin, *plugins]
        all_settings = [self.settings, auth_settings(**settings), interviews or InterviewSettings()]
        return an_application(all_settings, all_plugins, clock=self.clock)

    def worker(self, *plugins: object, **settings: Any) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """A client of another application, which runs as long as it is entered."""
        return running_client(self.application(*plugins, **settings))


@pytest.fixture(scope="module")
def deployment(mongodb_uri: str) -> Iterator[Deployment]:
    name, cached = f"test_{uuid.uuid4().hex[:20]}", os.environ.get("TESTS_CACHE") != "off"
    settings = CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=name, cache_enabled=cached)  # type: ignore[arg-type]
    yield Deployment(settings, MovableClock())
    with MongoClient[dict[str, object]](mongodb_uri) as client:
        client.drop_database(name)


@pytest.fixture
def clock(deployment: Deployment) -> MovableClock:
    return deployment.clock


@pytest.fixture(scope="module")
async def app(deployment: Deployment) -> AsyncIterator[FastAPI]:
    """The running application."""
    app = deployment.application()
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that fails the test when an operation answers with a code that its documentation doesn't name."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        client.event_hooks["response"].append(_refusing_undocumented(app))
        yield client


@pytest.fixture
def database(app: FastAPI) -> Database:
    return app.state.parley.database  # type: ignore[no-any-return]


@pytest.fixture
async def people(app: FastAPI) -> People:
    admin, interviewer, candidate = [await an_account(app, role) for role in ("admin", "interviewer", "candidate")]
    return People(admin, interviewer, candidate)


def _refusing_undocumented(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    documented = {
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path))): _codes_of(operation)
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }

    async def check(response: httpx.Response) -> None:
        if response.status_code < 400:
            return
        await response.aread()
        method, path = response.request.method, response.request.url.path
        codes = next((codes for (m, p), codes in documented.items() if m == method and p.fullmatch(path)), set())
        assert response.json()["code"] in codes | FRAMEWORK_CODES, (method, path, response.text)

    return check


def _codes_of(operation: dict[str, Any]) -> set[str]:
    answers = [answer for status, answer in operation["responses"].items() if status >= "400" and "$ref" not in answer]
    problems = [answer["content"] for answer in answers]
    return {code for content in problems for code in content["application/problem+json"]["examples"]}
