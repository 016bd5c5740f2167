"""The count of what a request visits, on a message that is posted."""

import asyncio
import runpy
from pathlib import Path

import httpx

from parley_auth.testing import Account
from parley_interviews.testing import an_interview

WAY = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "way.py"))


async def test_a_request_is_counted_with_the_tasks_that_it_starts(
    client: httpx.AsyncClient, admin: Account, candidate: Account
) -> None:
    """The endpoint and what a task of the request calls are counted, the same number of times in each request."""
    body = an_interview(participants=[{"user_id": candidate.id}])
    path = (await client.post("/v1/interviews", json=body, headers=admin.headers)).headers["Location"] + "/messages"
    counted = []
    for _ in range(5):
        with WAY["counting"]() as visits:
            answer = await client.post(path, json={"content": "Hello"}, headers=candidate.headers)
        assert answer.status_code == 201
        counted.append(visits)
        await asyncio.sleep(0.05)  # The change stream's reader becomes idle.
    assert any(file.startswith("parley_messaging/") and file.endswith("endpoints.py") for file in counted[-1].files)
    assert any(file.startswith("parley_messaging/") and file.endswith("repository.py") for file in counted[-1].files)
    assert sorted(counted[-1].own) == sorted(counted[-2].own) == sorted(counted[-3].own)
    assert len(counted[-1].files) < len(counted[-1].own)


async def test_nothing_outside_of_the_packages_is_counted(client: httpx.AsyncClient) -> None:
    """Only files of the Parley packages count, and only while the block runs."""
    with WAY["counting"]() as visits:
        await client.get("/healthz")
    seen = list(visits.own)
    await client.get("/healthz")
    assert seen
    assert all(file.startswith("parley_") for file in seen)
    assert visits.own == seen
