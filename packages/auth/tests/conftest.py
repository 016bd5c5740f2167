"""The fixtures of auth's tests: an application with auth only, one account of each role, and a strict client."""

import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from fastapi import FastAPI
from pymongo import MongoClient

import parley_auth.plugin
from parley_auth.keys.models import KeyText
from parley_auth.testing import PASSWORD, People, auth_settings, roles_plugin, some_people
from parley_core.embedded import embedded_mongodb
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import MovableClock, an_application, running_client

SECRET_FIELDS = {"password", "current_password", "new_password", "refresh_token", "token"}
ISSUED_FIELDS = {"access_token", "key"}
ISSUING = re.compile("/v1/auth/(login|token|refresh|accept)|/v1/users/[0-9a-f]{24}/link|/v1/api-keys")
TEAM = roles_plugin("interviewer", registers="candidate")
FRAMEWORK_CODES = {"not_found", "method_not_allowed", "internal_error"}


class Canaries(logging.Handler):
    """Every password, token and API key of a test's requests, and the places where one is found.

    Short passwords are left out, since `password1` is an ordinary word.
    """

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()
        self.seen: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append((f"log of {record.name}", self.format(record)))

    def note(self, response: httpx.Response) -> None:
        """Remember the secrets of a request and its answer."""
        request = response.request
        self.secrets.update(secrets_in(request.headers.get("Authorization", ""), request.content))
        issued = secrets_in("", response.content) if ISSUING.fullmatch(request.url.path) else set()
        text = f"{response.headers} {response.text}"
        for secret in issued:
            text = text.replace(secret, "")
        self.secrets |= issued
        self.seen.append((f"answer of {request.url.path}", text))

    def leaks(self) -> list[str]:
        """Return where secrets have been seen."""
        return [place for place, text in self.seen for secret in self.secrets if secret in text]


def secrets_in(authorization: str, body: bytes) -> set[str]:
    """Return the passwords, tokens and API keys of a message, of a key also its secret alone."""
    try:
        fields = json.loads(body)
    except ValueError:
        fields = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    fields = fields if isinstance(fields, dict) else {}
    found = [fields.get(name) for name in SECRET_FIELDS | ISSUED_FIELDS]
    found.append(authorization.partition(" ")[2].strip())
    found += [key.secret for text in found if isinstance(text, str) and (key := KeyText.parse(text))]
    return {text for text in found if isinstance(text, str) and len(text) >= 12}


@pytest.fixture(autouse=True)
def canaries(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Canaries]:
    """Fail a test when a secret is found in an answer, a log line or the database."""
    # Requested here, so that the database still exists when this fixture ends.
    core = request.getfixturevalue("core_settings") if "core_settings" in request.fixturenames else None
    watch, send = Canaries(), httpx.AsyncClient.send

    async def watched(client: httpx.AsyncClient, sent: httpx.Request, **options: Any) -> httpx.Response:
        response = await send(client, sent, **options)
        await sent.aread()
        await response.aread()
        watch.note(response)
        return response

    monkeypatch.setattr(httpx.AsyncClient, "send", watched)
    monkeypatch.setattr(logging.getLogger("parley"), "level", logging.INFO)
    logging.getLogger().addHandler(watch)
    yield watch
    logging.getLogger().removeHandler(watch)
    if core is not None:
        watch.seen += [("database", text) for text in stored_in(core)]
    assert watch.leaks() == []


def stored_in(core: CoreSettings) -> Iterator[str]:
    """Yield every document of the test's database."""
    assert core.mongodb_uri
    with MongoClient[dict[str, Any]](core.mongodb_uri.get_secret_value()) as client:
        database = client[core.mongodb_database]
        for name in database.list_collection_names():
            yield from map(str, database[name].find())


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    """Settings with time enough for many hashes at once on a busy machine, so that only queues refuse."""
    return reused_settings.model_copy(update={"request_timeout_seconds": 60})


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The OpenAPI document of auth alone: the same in each test, and slow to make."""
    return an_application([auth_settings()], [parley_auth.plugin, TEAM]).openapi()


@pytest.fixture
def app(core_settings: CoreSettings, clock: MovableClock, document: dict[str, Any]) -> FastAPI:
    app = an_application([core_settings, auth_settings()], [parley_auth.plugin, TEAM], clock=clock)
    app.openapi_schema = document
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that fails the test when an operation answers with a code that its documentation doesn't name."""
    async with running_client(app) as client:
        client.event_hooks["response"].append(_refusing_undocumented(app))
        yield client


@pytest.fixture
async def workers(core_settings: CoreSettings, clock: MovableClock) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of three workers: three applications on one database, with the same settings."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                running_client(
                    an_application([core_settings, auth_settings()], [parley_auth.plugin, TEAM], clock=clock)
                )
            )
            for _ in range(3)
        ]


@pytest.fixture
async def people(app: FastAPI, client: httpx.AsyncClient) -> People:
    return await some_people(app, password=PASSWORD)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a running embedded MongoDB, as `parley serve` has one."""
    path = tmp_path_factory.mktemp("data")
    with embedded_mongodb(path):
        yield path


@pytest.fixture
def embedded_settings(data_dir: Path) -> Iterator[CoreSettings]:
    """Settings of an application on its embedded database; database and secret are removed after the test."""
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
    answers = [answer for status, answer in operation["responses"].items() if status >= "400" and "$ref" not in answer]
    problems = [answer["content"] for answer in answers]
    return {code for content in problems for code in content["application/problem+json"]["examples"]}
