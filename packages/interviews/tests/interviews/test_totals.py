"""The number of all interviews: exact under concurrent creations, known without a count, begun from what is there."""

import asyncio

import httpx
from fastapi import FastAPI

from parley_auth.testing import an_account
from parley_core import Parley, new_id
from parley_interviews.interviews.totals import InterviewTotals
from parley_interviews.testing import create_interview


async def total(client: httpx.AsyncClient, headers: dict[str, str]) -> int:
    """What an administrator's list says."""
    return int((await client.get("/v1/interviews?limit=1", headers=headers)).json()["total"])


async def test_concurrent_creations(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Each creation counts once, however many there are at a time, and a refused one doesn't count."""
    admin = await an_account(app, "admin")
    before = await total(client, admin.headers)
    await asyncio.gather(*(create_interview(client, admin) for _ in range(40)))
    refused = await client.post("/v1/interviews", json={"title": ""}, headers=admin.headers)
    assert refused.status_code == 400
    assert await total(client, admin.headers) == before + 40
    parley: Parley = app.state.parley
    assert await parley.database["interviews"].count_documents({}) == before + 40


async def test_from_what_is_there(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Where nothing was counted yet the first start counts once, even when several workers start at the same time."""
    admin = await an_account(app, "admin")
    for _ in range(3):
        await create_interview(client, admin)
    parley: Parley = app.state.parley
    number = await parley.database["interviews"].count_documents({})
    await parley.database["interview_totals"].drop()
    await asyncio.gather(*(InterviewTotals(parley.database).begin() for _ in range(5)))
    assert await InterviewTotals(parley.database).all() == number >= 3
    await create_interview(client, admin)
    assert await total(client, admin.headers) == number + 1


async def test_correction(app: FastAPI, client: httpx.AsyncClient) -> None:
    """What was written without being counted, as by a restore, is counted once, whoever looks at the same time."""
    parley: Parley = app.state.parley
    await create_interview(client, await an_account(app, "admin"))
    totals = InterviewTotals(parley.database)
    number = await totals.all()
    stored = [{"_id": new_id(), "status": "scheduled", "rev": 1, "participants": []} for _ in range(3)]
    await parley.database["interviews"].insert_many(stored)
    corrections = await asyncio.gather(*(totals.correct() for _ in range(4)))
    assert (sum(corrections), await totals.all()) == (3, number + 3)
    await parley.database["interviews"].delete_many({"_id": {"$in": [one["_id"] for one in stored]}})
    assert (await totals.correct(), await totals.correct(), await totals.all()) == (-3, 0, number)


async def test_correction_among_creations(app: FastAPI, client: httpx.AsyncClient) -> None:
    """While others create interviews, nothing is found to be wrong, and nothing becomes wrong."""
    totals, admin = InterviewTotals(app.state.parley.database), await an_account(app, "admin")
    creations = [asyncio.create_task(create_interview(client, admin)) for _ in range(15)]
    wrong = []
    while not all(creation.done() for creation in creations):
        wrong.append(await totals.correct())
    assert wrong
    assert set(wrong) == {0}
    assert await totals.all() == await app.state.parley.database["interviews"].count_documents({})
