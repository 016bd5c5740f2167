"""A key that is revoked on one worker, or whose creator loses their rights there, is refused on any other at once."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_auth.testing import Account, IssuedKey, an_account, an_api_key

ROUNDS = rounds(3, full=200)  # each worker acts in every third
USERS = "/v1/users"
Act = Callable[[httpx.AsyncClient, Account, Account, IssuedKey], Awaitable[httpx.Response]]


async def revoke(worker: httpx.AsyncClient, admin: Account, _creator: Account, key: IssuedKey) -> httpx.Response:
    return await worker.delete(f"/v1/api-keys/{key.id}", headers=admin.headers)


async def demote(worker: httpx.AsyncClient, admin: Account, creator: Account, _key: IssuedKey) -> httpx.Response:
    return await worker.patch(f"{USERS}/{creator.id}", json={"role": "interviewer"}, headers=admin.headers)


async def deactivate(worker: httpx.AsyncClient, admin: Account, creator: Account, _key: IssuedKey) -> httpx.Response:
    return await worker.patch(f"{USERS}/{creator.id}", json={"active": False}, headers=admin.headers)


@pytest.mark.attack
@pytest.mark.parametrize("act", [revoke, demote, deactivate])
@pytest.mark.usefixtures("client")
async def test_three_workers(app: FastAPI, workers: list[httpx.AsyncClient], act: Act) -> None:
    """After the act on one worker each of the three refuses the request that it answered before."""
    admin = await an_account(app, "admin")
    creator = await an_account(app, "admin")
    for number in range(ROUNDS):
        if act is not revoke:
            creator = await an_account(app, "admin")
        turned = workers[number % 3 :] + workers[: number % 3]
        key = await an_api_key(turned[1], creator, "users:list")
        assert [(await worker.get(USERS, headers=key.headers)).status_code for worker in workers] == [200] * 3
        assert (await act(turned[0], admin, creator, key)).is_success
        assert [(await worker.get(USERS, headers=key.headers)).status_code for worker in workers] == [401] * 3
