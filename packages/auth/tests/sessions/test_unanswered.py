"""Refreshes and logins that Parley answers with 503 because MongoDB is away: whoever repeats them loses nothing."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth.testing import PASSWORD, Account, an_account, auth_settings, open_session, roles_plugin, some_people
from parley_auth.tokens.refresh_tokens import RefreshToken
from parley_auth.when_back import WhenBack
from parley_core import Document
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client
from parley_core.testing.servers import Line, OwnMongoDB

TIMEOUT, PATIENCE = 1, 4
RETRY_AFTER = 2
LONG_AGO = {"$dateSubtract": {"startDate": "$$NOW", "unit": "minute", "amount": 3}}
TEAM = roles_plugin("interviewer", registers="candidate")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnMongoDB]:
    database = OwnMongoDB(tmp_path_factory.mktemp("unanswered"))
    yield database
    database.server.stop()


class Worker:
    """An application, a client of it, and the line on which it reaches MongoDB."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, line: Line) -> None:
        self.app = app
        self.line = line
        self._client = client

    async def refresh(self, token: RefreshToken) -> httpx.Response:
        return await self._client.post("/v1/auth/refresh", json={"refresh_token": token.text})

    async def refresh_by_form(self, token: RefreshToken) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token.text}
        return await self._client.post("/v1/auth/token", data=form)

    async def log_in(self, account: Account) -> httpx.Response:
        body = {"email": account.user.email, "password": PASSWORD}
        return await self._client.post("/v1/auth/login", json=body)


@asynccontextmanager
async def a_worker(own: OwnMongoDB, seconds: int) -> AsyncIterator[Worker]:
    async with Line.to(own) as line:
        core = CoreSettings(
            mongodb_uri=line.uri,  # type: ignore[arg-type]
            mongodb_database="unanswered",
            request_timeout_seconds=seconds,
        )
        app = an_application([core, auth_settings()], [parley_auth.plugin, TEAM])
        async with running_client(app) as client:
            yield Worker(app, client, line)


@pytest.fixture
async def workers(own: OwnMongoDB) -> AsyncIterator[list[Worker]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(a_worker(own, seconds)) for seconds in (TIMEOUT, PATIENCE)]


@pytest.fixture
async def token(workers: list[Worker]) -> RefreshToken:
    """The refresh token of a session."""
    return await new_token(workers[0])


async def new_token(worker: Worker) -> RefreshToken:
    people = await some_people(worker.app)
    return await open_session(worker.app.state.parley, people.candidate.user)


async def stored(worker: Worker, token: RefreshToken) -> Document:
    """Return the token's session as the database has it."""
    account = await worker.app.state.parley.database.users.find_one({"_id": token.user_id})
    [session] = [session for session in account["sessions"] if session["id"] == token.session_id]
    return dict(session)


async def noted(worker: Worker) -> None:
    """Wait until the worker has nothing more to store."""
    async with asyncio.timeout(10):
        await worker.app.state.parley.require(WhenBack).drain()


def successor_in(answer: httpx.Response) -> RefreshToken:
    """Return the refresh token of an answer."""
    assert answer.status_code == 200, answer.text
    successor = RefreshToken.parse(answer.json()["refresh_token"])
    assert successor
    return successor


async def refreshes(worker: Worker, token: RefreshToken) -> None:
    """Fail unless the token can be exchanged."""
    successor_in(await worker.refresh(token))


async def unanswered(worker: Worker, token: RefreshToken) -> None:
    """Have a refresh exchange its token and be answered with 503, and MongoDB away from then on."""
    worker.line.cut_after(b"findAndModify")
    answer = await worker.refresh(token)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER))


@pytest.mark.parametrize("through", [0, 1], ids=["same worker", "another"])
async def test_exchanged(workers: list[Worker], token: RefreshToken, through: int) -> None:
    """The repeat gets the refresh token that the first request was exchanged for, again and again."""
    await unanswered(workers[0], token)
    workers[0].line.mend()
    await noted(workers[0])
    answers = [await workers[through].refresh(token) for _ in range(2)]
    [successor, again] = [successor_in(answer) for answer in answers]
    assert successor == again
    assert (await stored(workers[1], token))["digest"] == successor.digest
    await refreshes(workers[1], successor)
    # The control: with the successor used, the spent token is a theft as ever.
    assert (await workers[through].refresh(token)).json()["code"] == "refresh_reused"


async def test_form(workers: list[Worker], token: RefreshToken) -> None:
    """The OAuth2 form is repeated as safely, and its 503 says to OAuth2 libraries that it is temporary."""
    workers[0].line.cut_after(b"findAndModify")
    answer = await workers[0].refresh_by_form(token)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    workers[0].line.mend()
    await noted(workers[0])
    successor = successor_in(await workers[1].refresh_by_form(token))
    assert successor_in(await workers[0].refresh(token)) == successor
    await refreshes(workers[1], successor)
    assert (await workers[0].refresh_by_form(token)).json()["code"] == "refresh_reused"


async def test_no_time_for_the_race(workers: list[Worker], token: RefreshToken) -> None:
    """An exchange whose race ends after the request's time is answered with 503 at once, and the repeat gets it."""
    workers[0].line.cut()
    began = time.monotonic()
    refresh = asyncio.create_task(workers[0].refresh(token))
    await asyncio.sleep(0.6 * TIMEOUT)
    workers[0].line.mend()
    answer = await refresh
    assert (answer.status_code, time.monotonic() - began < 1.5 * TIMEOUT) == (503, True)
    await noted(workers[0])
    assert (await stored(workers[1], token))["digest"] != token.digest
    await refreshes(workers[0], token)


async def test_another_worker_waits(workers: list[Worker], token: RefreshToken) -> None:
    """A repeat that reaches another worker before it is stored waits for that."""
    await unanswered(workers[0], token)
    await asyncio.sleep(RETRY_AFTER - TIMEOUT + 0.1)
    repeat = asyncio.create_task(workers[1].refresh(token))
    await asyncio.sleep(0.2)
    assert "unanswered" not in await stored(workers[1], token)
    workers[0].line.mend()
    assert successor_in(await repeat).digest == (await stored(workers[1], token))["digest"]


async def test_worker_that_died(workers: list[Worker], token: RefreshToken) -> None:
    """What a worker couldn't store before it ended is unknown: the repeat ends the session."""
    await unanswered(workers[0], token)
    await workers[0].app.state.parley.require(WhenBack).close()
    # Nobody can wait for what never happens, so the exchange is moved into the past.
    await workers[1].app.state.parley.database.users.update_one(
        {"_id": token.user_id}, [{"$set": {"sessions.spent_at": LONG_AGO}}]
    )
    assert (await workers[1].refresh(token)).json()["code"] == "refresh_reused"


async def test_long_outage(workers: list[Worker], token: RefreshToken) -> None:
    """The minute for the repeat begins when MongoDB is back, however long it was away."""
    await unanswered(workers[0], token)
    users = workers[1].app.state.parley.database.users
    await users.update_one({"_id": token.user_id}, [{"$set": {"sessions.spent_at": LONG_AGO}}])
    workers[0].line.mend()
    await noted(workers[0])
    successor_in(await workers[1].refresh(token))
    await users.update_one({"_id": token.user_id}, [{"$set": {"sessions.unanswered_at": LONG_AGO}}])
    assert (await workers[0].refresh(token)).json()["code"] == "refresh_reused"


async def test_not_exchanged(workers: list[Worker], token: RefreshToken) -> None:
    """Where the first request exchanged nothing, the repeat does, and its own answer is the one that counts."""
    workers[0].line.cut()
    assert (await workers[0].refresh(token)).status_code == 503
    workers[0].line.mend()
    await noted(workers[0])
    successor = successor_in(await workers[1].refresh(token))
    await refreshes(workers[1], successor)
    assert (await workers[0].refresh(token)).json()["code"] == "refresh_reused"


async def test_two_tabs(workers: list[Worker], token: RefreshToken) -> None:
    """A tab that is answered 503 after another tab has got the tokens doesn't lose the session."""
    successor = successor_in(await workers[1].refresh(token))
    workers[0].line.cut()
    assert (await workers[0].refresh(token)).status_code == 503
    workers[0].line.mend()
    assert successor_in(await workers[0].refresh(token)) == successor


async def test_never_issued(workers: list[Worker], token: RefreshToken) -> None:
    """A made-up token isn't remembered, so nobody fills the memory during an outage."""
    workers[0].line.cut()
    made_up = RefreshToken(token.user_id, token.session_id, bytes(32))
    assert (await workers[0].refresh(made_up)).status_code == 503
    assert len(workers[0].app.state.parley.require(WhenBack)) == 0
    workers[0].line.mend()


async def test_login(workers: list[Worker]) -> None:
    """A right password whose success couldn't be stored doesn't stay counted as a failure."""
    worker, other = workers
    account = await an_account(worker.app, password=PASSWORD)
    failures = other.app.state.parley.database.login_failures
    worker.line.cut_before(b"delete")
    assert (await worker.log_in(account)).status_code == 503
    # The control: until MongoDB is back it is counted.
    assert await failures.count_documents({"failures": {"$gt": 0}}) == 1
    worker.line.mend()
    await noted(worker)
    assert await failures.count_documents({"failures": {"$gt": 0}}) == 0
    assert await failures.count_documents({"failed.0": {"$exists": True}}) == 0
    assert (await worker.log_in(account)).status_code == 200


@pytest.mark.attack
async def test_frozen(own: OwnMongoDB, workers: list[Worker]) -> None:
    """MongoDB is frozen while a refresh runs: each repeat is 200, through any worker, and gets one refresh token."""
    for number in range(rounds(2, full=20)):
        token = await new_token(workers[0])
        refresh = asyncio.create_task(workers[0].refresh(token))
        await asyncio.sleep(random.uniform(0, 0.01))  # noqa: S311 - no secret depends on it
        own.freeze(signal.SIGSTOP)
        try:
            first = await refresh
        finally:
            own.freeze(signal.SIGCONT)
        if first.status_code != 200:
            assert first.status_code == 503
            await asyncio.sleep(RETRY_AFTER - TIMEOUT)
            first = await workers[number % 2].refresh(token)
            [repeated, again] = [successor_in(first), successor_in(await workers[1 - number % 2].refresh(token))]
            assert repeated == again
        await refreshes(workers[1], successor_in(first))
