"""Every operation is answered within its time, wherever it waits when MongoDB stops answering."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from fastapi import FastAPI
from pymongo import MongoClient

from parley_app import create_app
from parley_app.testing import eventually
from parley_auth.testing import PASSWORD, Account, an_account, an_api_key, auth_settings
from parley_core import Parley, Router, new_id
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application
from parley_core.testing.servers import OwnMongoDB
from parley_core.testing.streams import served
from parley_core.waiting import is_set
from parley_interviews.testing import an_interview, create_interview
from parley_webhooks.testing import Delivery, Inbox, webhooks_settings

LIMIT_SECONDS = 5.5
"""The time of a request, and what it takes to answer."""
THAWED_FOR = 0.008
LAST = (4.6,)
"""Whatever waits then goes on, and finds MongoDB frozen again with 0.4 s left."""
STEP_BY_STEP = (0.4, 0.8, 1.2, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4, 4.3, 4.6)
APART, LATER = 0.005, 0.3
"""Seconds between two requests, and until each is sent once more: it joins what the first one waits for."""
NEW_PASSWORD = "ten blue bottles hanging"


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
class Call:
    """A request of an operation.

    Args:
        caller: who sends it; None is nobody.
        body: what is sent, as JSON.
        form: what is sent, as a form.
        ids: the values in the path.
    """

    caller: Account | None = None
    body: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """How an operation was answered, and after how many seconds."""

    operation: str
    status: int
    code: str | None
    seconds: float


def operations_of(app: FastAPI) -> list[str]:
    """Return every operation of the OpenAPI document, such as `GET /v1/users`."""
    return [f"{method.upper()} {path}" for path, item in app.openapi()["paths"].items() for method in item]


async def valid_calls(app: FastAPI, client: httpx.AsyncClient, url: str) -> dict[str, Call]:
    """Return a valid request of each operation, on new accounts and things: those that change one don't meet.

    Args:
        app: the running application.
        client: a client of it.
        url: where webhooks deliver to.
    """
    admin = await an_account(app, "admin")
    me, leaver, everywhere, ended, spender, changer = [
        await an_account(app, "interviewer", password=PASSWORD) for _ in range(6)
    ]
    target, removed, added = [await an_account(app, "candidate") for _ in range(3)]
    read, patched, moved, grown, shrunk = [
        {"interview_id": str((await create_interview(client, admin, me, removed))["id"])} for _ in range(5)
    ]
    past = await create_interview(client, admin, removed, scheduled_at="2020-01-01T09:30:00Z")
    begun = {"interview_id": str(past["id"])}

    async def created(address: str, **body: Any) -> Any:
        answer = await client.post(address, json=body, headers=admin.headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    kept, deleted = [
        {"webhook_id": (await created("/v1/webhooks", url=url, types=["user.created"]))["id"]} for _ in range(2)
    ]
    [session] = (await client.get("/v1/auth/sessions", headers=ended.headers)).json()["items"]
    link = await created(f"/v1/users/{target.id}/link", purpose="reset")
    key = await an_api_key(client, admin, "users:list")
    feeds = [await created("/v1/calendar/feeds") for _ in range(2)]
    token = feeds[0]["url"].rpartition("/")[2].removesuffix(".ics")
    user = {"user_id": target.id}
    login = {"grant_type": "password", "username": me.user.email, "password": PASSWORD}
    return {
        "GET /": Call(),
        "GET /healthz": Call(),
        "GET /readyz": Call(),
        "GET /.well-known/jwks.json": Call(),
        "GET /v1/users": Call(admin),
        "POST /v1/users": Call(admin, {"email": f"{new_id()}@example.com", "role": "candidate"}),
        "GET /v1/users/me": Call(me),
        "PATCH /v1/users/me": Call(me, {"name": "Ada King"}),
        "POST /v1/users/me/password": Call(changer, {"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
        "GET /v1/users/{user_id}": Call(admin, ids=user),
        "PATCH /v1/users/{user_id}": Call(admin, {"name": "Grace"}, ids=user),
        "GET /v1/users/{user_id}/history": Call(admin, ids=user),
        "POST /v1/users/{user_id}/logout-all": Call(admin, ids=user),
        "POST /v1/users/{user_id}/link": Call(admin, {"purpose": "reset"}, ids={"user_id": added.id}),
        "POST /v1/auth/login": Call(None, {"email": me.user.email, "password": PASSWORD}),
        "POST /v1/auth/token": Call(None, form=login),
        "POST /v1/auth/refresh": Call(None, {"refresh_token": spender.refresh_token}),
        "POST /v1/auth/logout": Call(leaver),
        "POST /v1/auth/logout-all": Call(everywhere),
        "GET /v1/auth/sessions": Call(me),
        "DELETE /v1/auth/sessions/{session_id}": Call(ended, ids={"session_id": session["id"]}),
        "POST /v1/auth/register": Call(None, {"email": f"{new_id()}@example.com", "password": PASSWORD}),
        "POST /v1/auth/accept": Call(None, {"token": link["token"], "password": PASSWORD}),
        "POST /v1/api-keys": Call(admin, {"name": "A script", "actions": ["users:list"]}),
        "GET /v1/api-keys": Call(admin),
        "DELETE /v1/api-keys/{key_id}": Call(admin, ids={"key_id": key.id}),
        "GET /v1/system": Call(admin),
        "GET /v1/system/policy": Call(admin),
        "POST /v1/interviews": Call(admin, an_interview()),
        "GET /v1/interviews": Call(me),
        "GET /v1/interviews/{interview_id}": Call(me, ids=read),
        "PATCH /v1/interviews/{interview_id}": Call(admin, {"title": "Engineer"}, ids=patched),
        "PATCH /v1/interviews/{interview_id}/status": Call(admin, {"status": "ongoing"}, ids=moved),
        "GET /v1/interviews/{interview_id}/history": Call(admin, ids=read),
        "GET /v1/interviews/{interview_id}/participants": Call(me, ids=read),
        "POST /v1/interviews/{interview_id}/participants": Call(admin, {"user_id": added.id}, ids=grown),
        "DELETE /v1/interviews/{interview_id}/participants/{user_id}": Call(
            admin, ids={**shrunk, "user_id": removed.id}
        ),
        "GET /v1/interviews/{interview_id}/conflicts": Call(admin, ids=read),
        "GET /v1/schedule": Call(me),
        "PUT /v1/interviews/{interview_id}/rsvp": Call(me, {"answer": "accepted", "schedule_version": 0}, ids=read),
        "GET /v1/interviews/{interview_id}/attendance": Call(me, ids=read),
        "PUT /v1/interviews/{interview_id}/attendance/{user_id}": Call(
            admin, {"attended": "present"}, ids={**begun, "user_id": removed.id}
        ),
        "POST /v1/interviews/{interview_id}/messages": Call(me, {"content": "Hello"}, ids=read),
        "GET /v1/interviews/{interview_id}/messages": Call(me, ids=read),
        "GET /v1/interviews/{interview_id}/messages/stream": Call(me, ids=read),
        "GET /v1/interviews/{interview_id}/calendar.ics": Call(me, ids=read),
        "POST /v1/calendar/feeds": Call(me, {"name": "Phone"}),
        "GET /v1/calendar/feeds": Call(me),
        "GET /v1/calendar/feeds/{token}.ics": Call(ids={"token": token}),
        "DELETE /v1/calendar/feeds/{feed_id}": Call(admin, ids={"feed_id": feeds[1]["id"]}),
        "GET /v1/events": Call(admin),
        "GET /v1/events/types": Call(admin),
        "GET /v1/events/stream": Call(admin),
        "POST /v1/webhooks": Call(admin, {"url": url, "types": ["user.created"]}),
        "GET /v1/webhooks": Call(admin),
        "GET /v1/webhooks/{webhook_id}": Call(admin, ids=kept),
        "PATCH /v1/webhooks/{webhook_id}": Call(admin, {"types": ["user.updated"]}, ids=kept),
        "DELETE /v1/webhooks/{webhook_id}": Call(admin, ids=deleted),
        "POST /v1/webhooks/{webhook_id}/secret": Call(admin, ids=kept),
        "POST /v1/webhooks/{webhook_id}/resume": Call(admin, ids=kept),
        "GET /v1/webhooks/{webhook_id}/attempts": Call(admin, ids=kept),
        "POST /v1/webhooks/{webhook_id}/ping": Call(admin, ids=kept),
        "POST /v1/webhooks/{webhook_id}/attempts/{position}/resend": Call(admin, ids={**kept, "position": "1"}),
    }


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
