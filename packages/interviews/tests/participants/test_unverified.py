"""`PARLEY_ASSIGN_UNVERIFIED=false`: an address that nobody has proved stands for no account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import PASSWORD, Account, an_account
from parley_core import Database, new_id
from parley_interviews.testing import address_of, an_interview, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code of an answer."""
    return answer.status_code, answer.json().get("code")


@pytest.fixture
async def strict(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that assigns no unproved address."""
    async with deployment.worker(assign_unverified=False) as client:
        yield client


async def both_ways(client: httpx.AsyncClient, admin: Account, **named: Any) -> list[httpx.Response]:
    """Add somebody to an interview, and create an interview with them."""
    interview = await create_interview(client, admin)
    address, body = f"{address_of(interview)}/participants", an_interview(participants=[named])
    return [
        await client.post(address, json=named, headers=admin.headers),
        await client.post("/v1/interviews", json=body, headers=admin.headers),
    ]


async def test_squatting(strict: httpx.AsyncClient, database: Database, people: People) -> None:
    """Who registers somebody else's address isn't assigned by it: 400, nothing is stored, and they see nothing."""
    email = f"victim-{new_id()}@corp.example"
    registered = await strict.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
    login = await strict.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    squatter = {"Authorization": f"Bearer {login.json()['access_token']}"}
    for invite in (False, True):
        before = await database["users"].count_documents({})
        for answer in await both_ways(strict, people.admin, user_email=email, invite=invite):
            assert outcome(answer) == (400, "unverified_email")
            assert email not in answer.text
        assert await database["users"].count_documents({}) == before
    user_id = registered.json()["id"]
    assert await database["interviews"].count_documents({"participants.user_id": user_id}) == 0
    assert (await strict.get("/v1/interviews", headers=squatter)).json()["total"] == 0


@pytest.mark.parametrize("role", ["admin", "interviewer", "candidate"])
async def test_whose_password(app: FastAPI, strict: httpx.AsyncClient, people: People, role: str) -> None:
    """It depends on the address alone, not on the role: an unproved one is refused, a proved one is assigned."""
    unproved, proved = await an_account(app, role), await an_account(app, role, verified=True)
    for answer in await both_ways(strict, people.admin, user_email=unproved.user.email):
        assert outcome(answer) == (400, "unverified_email")
    for answer in await both_ways(strict, people.admin, user_email=proved.user.email):
        assert answer.status_code == 201


async def test_by_id(strict: httpx.AsyncClient, people: People) -> None:
    """An administrator who names the account itself knows whom they mean."""
    for answer in await both_ways(strict, people.admin, user_id=people.candidate.id):
        assert answer.status_code == 201


async def test_invited(app: FastAPI, strict: httpx.AsyncClient, people: People) -> None:
    """Whoever was invited and hasn't accepted is assigned: only the owner of the address can take the account over."""
    invited = await an_account(app, invited=True)
    for answer in await both_ways(strict, people.admin, user_email=invited.user.email):
        assert answer.status_code == 201
    for answer in await both_ways(strict, people.admin, user_email=f"{new_id()}@example.com", invite=True):
        assert answer.status_code == 201


async def test_inactive_comes_first(app: FastAPI, strict: httpx.AsyncClient, people: People) -> None:
    """A deactivated account is refused as such."""
    inactive = await an_account(app, active=False)
    for answer in await both_ways(strict, people.admin, user_email=inactive.user.email):
        assert outcome(answer) == (400, "inactive_user")


async def test_default(client: httpx.AsyncClient, people: People) -> None:
    """By default an address is assigned as it is, so that the README's story works without links."""
    for answer in await both_ways(client, people.admin, user_email=people.candidate.user.email):
        assert answer.status_code == 201
