"""One request alone: everything that it must read before it can answer is sent together."""

import asyncio

import httpx
import pytest

from parley_auth.testing import Account
from parley_core.testing.metrics import Metrics
from parley_interviews.testing import an_interview

SIZES = "parley.reads.batch.size"
ACCOUNT, INTERVIEW, GENERATIONS = "users", "interviews", "cache_generations"
READS: dict[str, tuple[str, set[str], set[str]]] = {
    "interview": ("/v1/interviews/{id}", {ACCOUNT, INTERVIEW}, {INTERVIEW}),
    "interviews": ("/v1/interviews", {ACCOUNT, GENERATIONS}, set()),
    "messages": ("/v1/interviews/{id}/messages", {ACCOUNT, INTERVIEW, "message_logs"}, set()),
    "participants": ("/v1/interviews/{id}/participants", {ACCOUNT, INTERVIEW, GENERATIONS}, {ACCOUNT, INTERVIEW}),
    "own account": ("/v1/users/me", {ACCOUNT, GENERATIONS}, set()),
}
"""Where to read what: the collections that are read together, and those from which the answer is then read by id."""
TURNS = 5000


@pytest.fixture
async def interview_id(client: httpx.AsyncClient, admin: Account, candidate: Account) -> str:
    body = an_interview(participants=[{"user_id": candidate.id}])
    created = await client.post("/v1/interviews", json=body, headers=admin.headers)
    return str(created.json()["id"])


@pytest.mark.parametrize("read", READS)
async def test_all_reads_are_sent_together(
    client: httpx.AsyncClient, candidate: Account, interview_id: str, metrics: Metrics, read: str
) -> None:
    """The reads of account, resource and validator leave in one turn of the loop, before any answer can be there."""
    path, collections, later = READS[read]
    headers = candidate.headers
    before = {name: _sent(metrics, name) for name in collections}
    request = asyncio.create_task(client.get(path.format(id=interview_id), headers=headers))
    counts = before
    for _ in range(TURNS):
        await asyncio.sleep(0)
        counts = {name: _sent(metrics, name) for name in collections}
        if counts != before:
            break
    assert {name: counts[name] - before[name] for name in collections} == dict.fromkeys(collections, 1)
    assert (await request).status_code == 200
    sent = {name: _sent(metrics, name) - before[name] for name in collections}
    assert sent == {name: 1 + (name in later) for name in collections}


def _sent(metrics: Metrics, collection: str) -> float:
    return metrics.value(SIZES, **{"db.collection.name": collection}) or 0
