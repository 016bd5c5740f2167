"""Concurrent refreshes, over real connections to real worker processes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from parley_app.testing import Start

LOGIN = {"email": "ada@example.com", "password": "nine green bottles"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a `parley serve` with three workers, on which Ada has an account."""
    start = Start(tmp_path)
    try:
        url = start("--data-dir", tmp_path / "data", "--workers", "3").url
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            assert (await client.post("/v1/auth/register", json=LOGIN)).status_code == 201
        yield url
    finally:
        start.end_all()


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/auth/refresh", json={"refresh_token": token})


@pytest.mark.chaos
async def test_one_live_head(served: str) -> None:
    """Of 20 refreshes at once one succeeds and its tokens work, in each round; a later reuse is detected."""
    clients = [httpx.AsyncClient(base_url=served, timeout=20) for _ in range(20)]
    # Connected before they race: to connect may take a busy machine longer than the delay that makes it a race.
    await asyncio.gather(*(client.get("/healthz") for client in clients))
    for _ in range(10):
        spent = (await clients[0].post("/v1/auth/login", json=LOGIN)).json()["refresh_token"]
        answers = await asyncio.gather(*(refreshed(client, spent) for client in clients))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
        [pair] = [answer.json() for answer in answers if answer.status_code == 200]
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        assert (await clients[1].get("/v1/users/me", headers=headers)).status_code == 200
        assert (await refreshed(clients[2], spent)).json()["code"] == "refresh_reused"
        assert (await refreshed(clients[3], pair["refresh_token"])).json()["code"] == "invalid_token"
    await asyncio.gather(*(client.aclose() for client in clients))
