"""Every operation is answered within its time, wherever it waits when MongoDB stops answering."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from calls import Call, operations_of, valid_calls
from fastapi import FastAPI
from pymongo import MongoClient

from parley_app import create_app
from parley_app.testing import eventually
from parley_auth.testing import auth_settings
from parley_core import Parley, Router, new_id
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application
from parley_core.testing.servers import OwnMongoDB
from parley_core.testing.streams import served
from parley_core.waiting import is_set
from parley_webhooks.testing import Delivery, Inbox, webhooks_settings

LIMIT_SECONDS = 5.5
"""The time of a request, and what it takes to answer."""
THAWED_FOR = 0.008
LAST = (4.6,)
"""Whatever waits then goes on, and finds MongoDB frozen again with 0.4 s left."""
STEP_BY_STEP = (0.4, 0.8, 1.2, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4, 4.3, 4.6)
APART, LATER = 0.005, 0.3
"""Seconds between two requests, and until each is sent once more: it joins what the first one waits for."""


@pytest.fixture(scope="module")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnMongoDB]:
    database = OwnMongoDB(tmp_path_factory.mktemp("time-left") / "data")
    yield database
    database.freeze(signal.SIGCONT)
    database.server.stop()


@pytest.fixture
def core_settings(mongodb: OwnMongoDB) -> CoreSettings:
    return CoreSettings(mongodb_uri=mongodb.server.uri, mongodb_database=f"test_{new_id()}")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def inbox(authority: trustme.CA) -> AsyncIterator[Inbox]:
    async with Inbox(authority) as inbox:
        yield inbox


@pytest.fixture
def app(core_settings: CoreSettings, authority: trustme.CA, tmp_path: Path) -> FastAPI:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return create_app([core_settings, auth_settings(), webhooks_settings(tmp_path / "ca.pem")])


@pytest.fixture
async def server(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on a real server, which can stream."""
    async with served(app) as client:
        yield client


@dataclass(frozen=True)
class Answered:
    """How an operation was answered, and after how many seconds."""

    operation: str
    status: int
    code: str | None
    seconds: float


async def answered(client: httpx.AsyncClient, operation: str, call: Call, *, after: float = 0) -> Answered:
    """Send a request, some seconds from now, and return how it was answered; of a stream the beginning counts."""
    await asyncio.sleep(after)
    method, path = operation.split(" ")
    headers = dict(call.caller.headers) if call.caller else {}
    began = time.monotonic()
    address = path.format(**call.ids)
    async with client.stream(method, address, json=call.body, data=call.form, headers=headers) as answer:
        seconds, code = time.monotonic() - began, None
        if answer.is_error:
            await answer.aread()
            seconds, code = time.monotonic() - began, answer.json()["code"]
        return Answered(operation, answer.status_code, code, seconds)


def thaw_briefly(mongodb: OwnMongoDB) -> None:
    mongodb.freeze(signal.SIGCONT)
    time.sleep(THAWED_FOR)
    mongodb.freeze(signal.SIGSTOP)


async def walk_frozen(
    client: httpx.AsyncClient,
    mongodb: OwnMongoDB,
    calls: Mapping[str, Call],
    *,
    freeze_after: float = 0,
    thaws: Sequence[float] = LAST,
) -> list[Answered]:
    """Send all requests side by side and again a little later, while MongoDB is frozen but for moments of 8 ms.

    Args:
        client: a client of the application.
        mongodb: the application's.
        calls: the requests.
        freeze_after: when it is frozen, in seconds after the requests were sent.
        thaws: the moments.
    """
    began = time.monotonic()
    if not freeze_after:
        mongodb.freeze(signal.SIGSTOP)
    try:
        sent = [
            asyncio.create_task(answered(client, operation, call, after=after))
            for number, (operation, call) in enumerate(calls.items())
            for after in (number * APART, number * APART + LATER)
        ]
        await asyncio.sleep(freeze_after)
        mongodb.freeze(signal.SIGSTOP)
        for seconds in thaws:
            await asyncio.sleep(began + seconds - time.monotonic())
            # In a thread: the application goes on meanwhile.
            await asyncio.to_thread(thaw_briefly, mongodb)
        return await asyncio.gather(*sent)
    finally:
        mongodb.freeze(signal.SIGCONT)


def wait_for_open_transactions(mongodb: OwnMongoDB) -> None:
    """Wait until MongoDB has ended those whose clients gave up: till then they block other writers."""
    with MongoClient[dict[str, Any]](mongodb.server.uri) as client:
        eventually(lambda: not client.admin.command("serverStatus")["transactions"]["currentOpen"])


def late_of(answers: list[Answered]) -> list[Answered]:
    return [answer for answer in answers if answer.seconds > LIMIT_SECONDS]


async def test_the_operations_are_known(app: FastAPI, server: httpx.AsyncClient, inbox: Inbox) -> None:
    """There is a valid request of every operation of the OpenAPI document."""
    assert set(operations_of(app)) == (await valid_calls(app, server, inbox.address)).keys()


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("freeze_after", "thaws"),
    [
        pytest.param(0, LAST, id="before all"),
        pytest.param(0.1, LAST, id="after some guards"),
        pytest.param(0, STEP_BY_STEP, id="step by step"),
    ],
)
async def test_every_operation(
    app: FastAPI,
    server: httpx.AsyncClient,
    mongodb: OwnMongoDB,
    inbox: Inbox,
    *,
    freeze_after: float,
    thaws: Sequence[float],
) -> None:
    """None is answered late, whatever it waits for; once no transaction of theirs is left, each works again."""
    calls = await valid_calls(app, server, inbox.address)
    answers = await walk_frozen(server, mongodb, calls, freeze_after=freeze_after, thaws=thaws)
    assert late_of(answers) == []
    assert [answer for answer in answers if answer.status >= 500 and answer.code != "unavailable"] == []
    assert sum(answer.status == 503 for answer in answers) > len(calls) / 4

    await asyncio.to_thread(wait_for_open_transactions, mongodb)
    again = await valid_calls(app, server, inbox.address)
    works = await asyncio.gather(*(answered(server, operation, call) for operation, call in again.items()))
    assert [answer for answer in works if answer.status >= 400] == []


@pytest.mark.chaos
async def test_after_the_receiver(app: FastAPI, server: httpx.AsyncClient, mongodb: OwnMongoDB, inbox: Inbox) -> None:
    """What a ping stores after the receiver's answer has the time that was left before it."""
    operation = "POST /v1/webhooks/{webhook_id}/ping"
    calls = await valid_calls(app, server, inbox.address)

    def freeze(_: Delivery) -> int:
        mongodb.freeze(signal.SIGSTOP)
        return 204

    mongodb.freeze(signal.SIGSTOP)
    try:
        ping = asyncio.create_task(answered(server, operation, calls[operation]))
        await asyncio.sleep(2)
        inbox.status_of = freeze
        mongodb.freeze(signal.SIGCONT)
        answer = await ping
    finally:
        mongodb.freeze(signal.SIGCONT)
    assert (answer.status, late_of([answer])) == (503, [])


@pytest.mark.chaos
async def test_a_wait_that_begins_anew_is_seen(core_settings: CoreSettings, mongodb: OwnMongoDB) -> None:
    """A route that waits for as long again as its request may take is late: the check above can fail."""
    router = Router(prefix="/waits", tag="tests")

    @router.get("")
    async def wait() -> None:
        parley: Parley = waiting.state.parley
        await parley.database["sample"].find_one()
        await is_set(asyncio.Event(), parley.request_timeout_seconds)

    waiting = an_application([core_settings], [a_plugin("waits", parley_routers=[router])])
    async with served(waiting) as client:
        answers = await walk_frozen(client, mongodb, {"GET /v1/waits": Call()})
    assert late_of(answers)
