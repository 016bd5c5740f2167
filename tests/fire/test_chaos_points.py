"""A worker that is killed after each write of each operation: it is done or not, and others don't wait for long."""

import asyncio
import json
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from secrets import token_bytes
from typing import Any

import httpx
import pytest
from calls import Call, valid_calls
from fastapi import FastAPI
from footprints import footprint, snapshot
from ledger import Ledger
from pydantic import SecretStr
from pymongo import MongoClient
from siege import drained, looking, problems_of

from parley_app import create_app
from parley_app.testing import environment, install_plugin
from parley_auth.testing import an_account, auth_settings
from parley_core import new_id
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.testing import an_interview
from parley_webhooks.testing import webhooks_settings

SHORT = 5
"""Kills."""
DELAY_SECONDS = 10
_RECEIVER = "https://127.0.0.1:9/"
_WORKER = Path(__file__).parents[1] / "support" / "dying_worker.py"


# A route that the workers that die have: it writes two things that belong together, one after the other.
_HASTY = """
from parley_core import ParleyDep, PublicRoute, Router, hookimpl

router = Router(prefix="/hasty", tag="tests")

@router.post("")
async def hurry(parley: ParleyDep) -> None:
    await parley.database["ones"].insert_one({})
    await parley.database["others"].insert_one({})

@hookimpl
def parley_routers():
    return [router]

@hookimpl
def parley_public_routes():
    return [PublicRoute("POST", "/v1/hasty", "a test calls it")]
"""


class Doomed:
    """Workers that die as they are asked to; each takes one request."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        command = [sys.executable, str(_WORKER)]
        self._process = subprocess.Popen(
            command, env=environment(**settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def send(self, operation: str, call: Call, *, dies_after: int | None = None) -> dict[str, Any]:
        """Return the answer and the commands of a request, or how its worker died."""
        assert self._process.stdin
        assert self._process.stdout
        job = {**request_of(operation, call), "dies_after": dies_after}
        print(json.dumps(job), file=self._process.stdin, flush=True)
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def end(self) -> None:
        """End them all."""
        self._process.communicate(timeout=30)


def request_of(operation: str, call: Call) -> dict[str, Any]:
    """Return a request as httpx takes it."""
    method, _, path = operation.partition(" ")
    headers = dict(call.caller.headers) if call.caller else {}
    headers["X-Request-ID"] = new_id()
    address = path.partition(" ")[0].format(**call.ids)
    return {"method": method, "url": address, "json": call.body, "data": call.form, "headers": headers}


@pytest.fixture
def settings(core_settings: CoreSettings, tmp_path: Path) -> dict[str, str]:
    """What the workers are started with: all use one database and one secret."""
    install_plugin(tmp_path, "hasty", _HASTY)
    secret, uri = auth_settings().jwt_secret, core_settings.mongodb_uri
    assert secret
    assert uri
    return {
        "PARLEY_MONGODB_URI": uri.get_secret_value(),
        "PARLEY_MONGODB_DATABASE": core_settings.mongodb_database,
        "PARLEY_JWT_SECRET": secret.get_secret_value(),
        "PARLEY_WEBHOOKS_KEY": b64encode(token_bytes(32)).decode(),
        "PYTHONPATH": str(tmp_path),
        "PARLEY_WEBHOOKS_ALLOW_NETWORKS": "127.0.0.0/8",
    }


@pytest.fixture
def doomed(settings: dict[str, str]) -> Iterator[Doomed]:
    workers = Doomed(settings)
    yield workers
    workers.end()


@pytest.fixture
def app(core_settings: CoreSettings, settings: dict[str, str]) -> FastAPI:
    """The worker that lives on."""
    key = SecretStr(settings["PARLEY_WEBHOOKS_KEY"])
    return create_app([core_settings, auth_settings(), webhooks_settings(None, webhooks_key=key)])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running_client(app) as client:
        yield client


async def writes_of(app: FastAPI, client: httpx.AsyncClient) -> dict[str, Call]:
    """Return a valid request of each operation that writes, and of the other ways to do some of them."""
    calls = await valid_calls(app, client, _RECEIVER)
    admin, second = await an_account(app, "admin"), await an_account(app, "admin")
    leaver, elsewhere = await an_account(app), await an_account(app)
    people = [{"user_id": (await an_account(app, "candidate")).id} for _ in range(2)]
    calls |= {
        "POST /v1/interviews with people": Call(admin, an_interview(participants=people)),
        "POST /v1/interviews with an invitation": Call(
            admin, an_interview(participants=[{"user_email": f"{new_id()}@example.com", "invite": True}])
        ),
        "POST /v1/interviews of another system": Call(admin, an_interview(external_id=new_id(), participants=people)),
        "POST /v1/interviews without conflicts": Call(
            admin, an_interview(on_conflict="refuse", participants=[{"user_id": (await an_account(app)).id}])
        ),
        "PATCH /v1/users/{user_id} of an administrator": Call(admin, {"role": "candidate"}, ids={"user_id": second.id}),
        "PATCH /v1/users/{user_id} who leaves": Call(admin, {"active": False}, ids={"user_id": leaver.id}),
        # The other account's link is used by then, which may have ended its sessions.
        "POST /v1/users/{user_id}/logout-all": Call(admin, ids={"user_id": elsewhere.id}),
    }
    return {operation: call for operation, call in calls.items() if not operation.startswith("GET ")}


@dataclass(frozen=True)
class Whole:
    """What an operation does when nobody disturbs it: which writing commands it sends, and what it leaves."""

    commands: list[str]
    footprint: Counter[str]


@dataclass
class Points:
    """Sends operations to workers that die of them.

    Args:
        app: the worker that lives on.
        client: a client of it.
        doomed: the workers that die.
        name: the database.
        mongodb: a client of MongoDB.
    """

    app: FastAPI
    client: httpx.AsyncClient
    doomed: Doomed
    name: str
    mongodb: MongoClient[dict[str, Any]]

    async def calls(self) -> dict[str, Call]:
        """Return a new request of each operation."""
        return await writes_of(self.app, self.client)

    async def whole(self, operations: Sequence[str]) -> dict[str, Whole]:
        """Return what each operation does undisturbed."""
        calls, found = await self.calls(), {}
        for operation in operations:
            answer, left = await self.left_by(operation, calls[operation])
            assert answer["status"] < 300, answer
            found[operation] = Whole(answer["commands"], left)
        return {operation: whole for operation, whole in found.items() if whole.commands}

    async def kill(self, operation: str, call: Call, after: int, whole: Whole) -> tuple[str | None, float]:
        """Kill a worker after so many commands; return what it left half done, and how long the next one waits.

        The relay sends commands when it likes: a worker that has needed fewer than before has done its work.
        """
        answer, left = await self.left_by(operation, call, dies_after=after)
        assert answer == {"died": -9} or answer["status"] < 300, (operation, answer)
        place = f"{operation} after {after} of {whole.commands}"
        delay, status = await self._repeat(operation, call)
        if status >= 500:
            return f"{place}: a repetition is answered {status}", delay
        return (None if left in (Counter(), whole.footprint) else f"{place}: {left} of {whole.footprint}"), delay

    async def left_by(
        self, operation: str, call: Call, *, dies_after: int | None = None
    ) -> tuple[dict[str, Any], Counter[str]]:
        """Send a request to a worker that dies; return its answer, and what has changed."""
        before = await asyncio.to_thread(snapshot, self.mongodb, self.name)
        answer = await asyncio.to_thread(partial(self.doomed.send, operation, call, dies_after=dies_after))
        return answer, footprint(before, await asyncio.to_thread(snapshot, self.mongodb, self.name))

    async def _repeat(self, operation: str, call: Call) -> tuple[float, int]:
        """Return how long it took until the same request was answered by the worker that lives, and its status."""
        begun = time.monotonic()
        async with asyncio.timeout(3 * DELAY_SECONDS):
            while (answer := await self.client.request(**request_of(operation, call))).status_code == 503:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return time.monotonic() - begun, answer.status_code


@pytest.fixture
def points(
    app: FastAPI, client: httpx.AsyncClient, doomed: Doomed, core_settings: CoreSettings, mongodb_uri: str
) -> Iterator[Points]:
    with MongoClient[dict[str, Any]](mongodb_uri) as mongodb:
        yield Points(app, client, doomed, core_settings.mongodb_database, mongodb)


def chosen(whole: Mapping[str, Whole], budget: int, random: Random) -> Iterator[Mapping[str, int]]:
    """Yield rounds of points, each an operation and how many of its writing commands are answered."""
    left = {
        operation: random.sample(range(1, n + 1), n) for operation, one in whole.items() if (n := len(one.commands))
    }
    while budget > 0 and left:
        operations = list(left)[:budget]
        yield {operation: left[operation].pop() for operation in operations}
        budget -= len(operations)
        left = {operation: points for operation, points in left.items() if points}


async def test_no_operation_is_half_done(
    points: Points,
    core_settings: CoreSettings,
    *,
    budget: int,
    seed: int,
    figures: Callable[[str], None],
) -> None:
    """Whatever command is its last, a killed worker has done all of an operation or nothing; others go on in time."""
    random, problems, delays = Random(seed), [], [0.0]  # noqa: S311 - no secret depends on it
    operations = sorted(await points.calls())
    whole = await points.whole(random.sample(operations, min(budget, len(operations))))
    for at_once in chosen(whole, budget, random):
        calls = await points.calls()
        for operation, after in at_once.items():
            problem, delay = await points.kill(operation, calls[operation], after, whole[operation])
            problems += [problem] if problem else []
            delays.append(delay)
    async with looking(core_settings) as database:
        await drained(database)
        problems += await problems_of(database, Ledger())
    figures(
        f"{len(delays) - 1} kills in {len(whole)} operations: {len(problems)} problems; "
        f"others waited {max(delays):.2f} s at most"
    )
    assert problems == []
    assert max(delays) < DELAY_SECONDS


async def test_what_is_half_done_is_seen(points: Points) -> None:
    """Of an operation that has no transaction each kill in its middle is a problem, and no other."""
    operation = "POST /v1/hasty"
    answer, left = await points.left_by(operation, Call())
    whole = Whole(answer["commands"], left)
    assert whole.footprint == Counter({"ones +": 1, "others +": 1})
    kills = [await points.kill(operation, Call(), after, whole) for after in range(3)]
    assert [problem is not None for problem, _ in kills] == [False, True, False]
