"""The time that a refused link takes says nothing about why it is refused."""

import logging
import random
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from ranks import rank_z

from parley_auth.links.models import LinkToken
from parley_auth.testing import Account, an_account
from parley_core import new_id

COUNT = rounds(60, full=500)
# Few measurements on a busy machine show only a larger difference.
MORE_READS = rounds(4, full=1)
LIMIT = 3.9
KINDS = ("used", "replaced", "expired", "foreign", "deactivated", "unknown account", "no token")


@pytest.fixture
async def tokens(app: FastAPI, client: httpx.AsyncClient) -> dict[str, str]:
    """A token of each kind that is refused, and one that was never issued."""
    admin = await an_account(app, "admin")
    found = {"never issued": LinkToken.new((await an_account(app)).id).text}
    for kind in KINDS:
        found[kind] = await a_dead_token(app, client, admin, kind)
    return found


async def a_dead_token(app: FastAPI, client: httpx.AsyncClient, admin: Account, kind: str) -> str:
    users, account = app.state.parley.database.users, await an_account(app)

    async def link() -> str:
        answer = await client.post(f"/v1/users/{account.id}/link", json={"purpose": "reset"}, headers=admin.headers)
        return str(answer.json()["token"])

    token = await link()
    if kind == "used":
        assert (await client.post("/v1/auth/accept", json={"token": token, "password": "ten blue bottles"})).is_success
    elif kind == "replaced":
        await link()
    elif kind == "expired":
        past = app.state.parley.clock()
        await users.update_one({"_id": account.id}, {"$set": {"link.expires_at": past}})
    elif kind == "foreign":
        return LinkToken(account.id, bytes(32)).text
    elif kind == "deactivated":
        await users.update_one({"_id": account.id}, {"$set": {"active": False}})
    return {"unknown account": LinkToken.new(new_id()).text, "no token": "nonsense"}.get(kind, token)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


@pytest.mark.attack
@pytest.mark.chaos
async def test_same_time(app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
    """Ranks of the times of each kind and of links that were never issued don't differ; more reads would show."""
    users = app.state.parley.database.users

    async def refuse(token: str) -> None:
        answer = await client.post("/v1/auth/accept", json={"token": token, "password": "ten blue bottles"})
        assert answer.json()["code"] == "invalid_link"

    async def refuse_and_read() -> None:
        await refuse(tokens["never issued"])
        for _ in range(MORE_READS):
            await users.find_one({"_id": new_id()})

    works: dict[str, Callable[[], Awaitable[None]]] = {
        kind: lambda token=token: refuse(token)  # type: ignore[misc]
        for kind, token in tokens.items()
    }
    works["more reads"] = refuse_and_read
    times: dict[str, list[float]] = {kind: [] for kind in works}
    for _ in range(COUNT):
        # In a new order each time, so that neither order nor drift favours a kind.
        for kind in random.sample(list(works), len(works)):
            times[kind].append(await timed(works[kind]))
    found = {kind: rank_z(times[kind], times["never issued"]) for kind in (*KINDS, "more reads")}
    logging.getLogger(__name__).warning("%s", {kind: round(z, 2) for kind, z in found.items()})
    assert found.pop("more reads") > LIMIT
    assert {kind: z for kind, z in found.items() if abs(z) > LIMIT} == {}


def test_ranks() -> None:
    """The rank test sees a shift in either direction, and none between equal samples."""
    noise = random.Random(7)  # noqa: S311 - the same samples on every run
    ones, others = ([noise.gauss(0, 1) for _ in range(500)] for _ in range(2))
    assert abs(rank_z(ones, others)) < 2
    assert rank_z([one + 0.5 for one in ones], others) > LIMIT
    assert rank_z(ones, [other + 0.5 for other in others]) < -LIMIT
