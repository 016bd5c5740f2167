"""The last release beside this one on one database: what it has stored, races between both, and the way back.

`nox -s last-release` builds and installs that release, and says with LAST_RELEASE_PARLEY where its command is.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from races import World, agree, create_interviews, race, race_to_close

from parley_app import create_app
from parley_app.testing import Serving, Start
from parley_auth.testing import an_account, auth_settings
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing import running_client

COMMAND = os.environ.get("LAST_RELEASE_PARLEY", "")
pytestmark = [
    pytest.mark.attack,
    pytest.mark.skipif(not COMMAND, reason="needs the last release: `nox -s last-release` installs it"),
]
DATABASE = "releases"


@dataclass
class Releases:
    """A database, and the commands of both releases.

    Args:
        last: starts servers of the last release.
        today: starts servers of this one.
        settings: of all servers.
        core: the same for applications of this process.
    """

    last: Start
    today: Start
    settings: dict[str, str]
    core: CoreSettings


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[Releases]:
    """A new database, and nothing that runs on it."""
    mongodb = EmbeddedMongoDB.start(tmp_path / "data")
    secret = auth_settings().jwt_secret
    assert secret
    settings = {
        "PARLEY_MONGODB_URI": mongodb.uri,
        "PARLEY_MONGODB_DATABASE": DATABASE,
        "PARLEY_JWT_SECRET": secret.get_secret_value(),
        "PARLEY_ACCESS_TOKEN_MINUTES": "60",
        "PARLEY_REQUEST_TIMEOUT_SECONDS": "60",
        # Release 0.1.0 has no other format.
        "PARLEY_LOG_FORMAT": "text",
        "PARLEY_WEBHOOKS_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }
    for name in ("last", "today"):
        (tmp_path / name).mkdir()
    starts = Start(tmp_path / "last", command=COMMAND), Start(tmp_path / "today")
    core = CoreSettings(mongodb_uri=mongodb.uri, mongodb_database=DATABASE)  # type: ignore[arg-type]
    patient = core.model_copy(update={"cache_enabled": False, "request_timeout_seconds": 60.0})
    with ExitStack() as ending:
        # Each ends, also where another one's log is wrong.
        ending.callback(mongodb.stop)
        for start in starts:
            ending.callback(start.end_all)
        yield Releases(*starts, settings, patient)


@dataclass
class Both:
    """A server of each release, an application of this one in this process, and who uses them."""

    app: FastAPI
    world: World
    last: Serving
    today: Serving


@pytest.fixture
async def both(releases: Releases) -> AsyncIterator[Both]:
    """Interviews that the last release has stored, and a server of this one that was started beside it."""
    app = create_app([releases.core, auth_settings(access_token_minutes=60)])
    last = releases.last(**releases.settings)
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(client_of(last))
        oracle = await stack.enter_async_context(running_client(app))
        admin = await an_account(app, "admin")
        members = [await an_account(app, role) for role in ("interviewer", "candidate")]
        interviews = await create_interviews(old, admin, *members)
        today = releases.today(**releases.settings)
        new = await stack.enter_async_context(client_of(today))
        world = World([old, new], [], oracle, admin, members, interviews, is_same=are_alike)
        yield Both(app, world, last, today)


def client_of(serving: Serving) -> httpx.AsyncClient:
    """A client of a server that opens a connection for each request: an idle one may be ended while it is used."""
    return httpx.AsyncClient(base_url=serving.url, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))


def are_alike(one: bytes, other: bytes) -> bool:
    """Whether two answers have the same values, as far as both releases have a field for them."""
    return _are_alike(json.loads(one), json.loads(other))


def _are_alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_are_alike(one[name], other[name]) for name in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_are_alike, one, other))
    return bool(one == other)


async def check_log(app: FastAPI) -> None:
    """Check that the log has every change of every interview once, and no gap, whoever has brought it there."""
    await app.state.parley.require(Relay).drain()
    database = app.state.parley.database
    entries = await database["events"].find().sort("position", 1).to_list()
    assert [entry["position"] for entry in entries] == list(range(1, len(entries) + 1))
    for interview in await database["interviews"].find().to_list():
        of_it = [e for e in entries if (e["kind"], e["subject_id"]) == ("interview", interview["_id"])]
        revs = [entry["rev"] for entry in of_it]
        assert sorted(revs) == list(range(1, interview["rev"] + 1))


async def test_reads_and_writes(both: Both) -> None:
    """No read through either release misses what was acknowledged by the other, and the log of both is whole."""
    await race(both.world, rounds(400, full=4000))
    await check_log(both.app)


async def test_closes(both: Both) -> None:
    """No message is committed after a close, whichever release does which."""
    world, candidate = both.world, both.world.members[1]
    for number in range(rounds(20, full=200)):
        workers = world.workers[:: 1 if number % 2 else -1]
        await race_to_close(both.app, workers, world.admin, candidate)
    await check_log(both.app)


async def test_way_back(both: Both, releases: Releases) -> None:
    """The last release starts again on what this one has stored, and shows the same."""
    await race(both.world, 40)
    assert both.last.stop() == 0
    again = releases.last(**releases.settings)
    async with client_of(again) as client:
        both.world.workers[0] = client
        await race(both.world, 40)


async def test_a_violation_is_seen(both: Both) -> None:
    """The comparison fails where one release shows what the other doesn't: here a title that was changed past both."""
    await agree(both.world)
    one = both.world.interviews[0]
    await both.app.state.parley.database["interviews"].update_one({"_id": one.id}, {"$set": {"title": "past both"}})
    with pytest.raises(AssertionError, match="/v1/interviews"):
        await agree(both.world)


async def test_refused(both: Both, releases: Releases) -> None:
    """Once the stored format is beyond the last release, that no longer starts, and changes nothing."""
    both.last.stop()
    formats = both.app.state.parley.database["stored_format"]
    await formats.update_one({"_id": "format"}, {"$inc": {"number": 1}})
    before = await formats.find().to_list()
    refused = releases.last.unready(**releases.settings)
    assert await asyncio.to_thread(refused.process.wait, 60) == 1
    assert "stored format" in refused.logged
    assert await formats.find().to_list() == before
