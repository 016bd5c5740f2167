"""As what an account takes part, and that an administrator becomes a candidate only beside another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

import parley_auth.plugin
import parley_interviews.plugin
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import Parley
from parley_core.log.relay import Relay
from parley_core.testing import an_application, running_client
from parley_interviews.testing import address_of, an_interview, create_interview

if TYPE_CHECKING:
    from conftest import People

    from parley_core.kernel.settings import CoreSettings

CANDIDATE = {"participant_role": "candidate"}
RECORDED = ("interviews", "users", "interview_totals")


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code of an answer."""
    return answer.status_code, answer.json().get("code")


async def add(client: httpx.AsyncClient, admin: Account, interview: dict[str, Any], **body: Any) -> httpx.Response:
    return await client.post(f"{address_of(interview)}/participants", json=body, headers=admin.headers)


async def create(client: httpx.AsyncClient, admin: Account, *named: dict[str, Any]) -> httpx.Response:
    return await client.post("/v1/interviews", json=an_interview(participants=named), headers=admin.headers)


@pytest.mark.parametrize(
    ("account", "wanted", "role"),
    [
        ("candidate", None, "candidate"),
        ("candidate", "candidate", "candidate"),
        ("candidate", "interviewer", None),
        ("interviewer", None, "interviewer"),
        ("interviewer", "interviewer", "interviewer"),
        ("interviewer", "candidate", "candidate"),
        ("admin", None, "interviewer"),
        ("admin", "interviewer", "interviewer"),
        ("admin", "candidate", "candidate"),
    ],
)
async def test_roles(
    app: FastAPI, client: httpx.AsyncClient, people: People, *, account: str, wanted: str | None, role: str | None
) -> None:
    """Candidates take part as candidate alone, others as interviewer, or as candidate where that is asked for."""
    user_id = (await an_account(app, account)).id
    named = {"user_id": user_id} | ({"participant_role": wanted} if wanted else {})
    interview = await create_interview(client, people.admin)
    for answer in (await add(client, people.admin, interview, **named), await create(client, people.admin, named)):
        if role is None:
            assert outcome(answer) == (400, "invalid_participant_role")
        else:
            assert answer.status_code == 201
    participants = await client.get(f"{address_of(interview)}/participants", headers=people.admin.headers)
    assert [p["participant_role"] for p in participants.json()["items"]] == ([role] if role else [])


class TestLastAdmin:
    @pytest.fixture
    async def app(self, core_settings: CoreSettings) -> AsyncIterator[FastAPI]:
        """An application with a database of its own, so that the administrators are this test's."""
        plugins = [parley_auth.plugin, parley_interviews.plugin]
        app = an_application([core_settings, auth_settings()], plugins)
        async with running_client(app) as client:
            app.state.client = client
            yield app

    @pytest.fixture
    def client(self, app: FastAPI) -> httpx.AsyncClient:
        client: httpx.AsyncClient = app.state.client
        return client

    async def test_alone(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """The only active administrator becomes no candidate, on either way, and nothing is stored."""
        parley: Parley = app.state.parley
        admin = await an_account(app, "admin")
        interview = await create_interview(client, admin)
        await an_account(app, "admin", active=False)
        await parley.require(Relay).drain()
        before = {name: await parley.database[name].find().to_list() for name in RECORDED}
        for answer in (
            await add(client, admin, interview, user_id=admin.id, **CANDIDATE),
            await create(client, admin, {"user_email": admin.user.email, **CANDIDATE}),
        ):
            assert outcome(answer) == (400, "last_admin")
            assert "only active administrator" in answer.json()["detail"]
        assert {name: await parley.database[name].find().to_list() for name in RECORDED} == before
        assert (await add(client, admin, interview, user_id=admin.id)).json()["participant_role"] == "interviewer"

    async def test_beside_another(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """Beside another active administrator they do, and the other one's account shows no trace of it."""
        admin, other = [await an_account(app, "admin") for _ in range(2)]
        before = (await client.get(f"/v1/users/{other.id}/history", headers=admin.headers)).json()
        interview = await create_interview(client, admin)
        for answer in (
            await add(client, admin, interview, user_id=admin.id, **CANDIDATE),
            await create(client, admin, {"user_id": admin.id, **CANDIDATE}),
        ):
            assert answer.status_code == 201
        created = answer.json()
        assert (created["my_role"], created["notes"], created["allowed_transitions"]) == ("candidate", None, [])
        assert (await client.get(f"/v1/users/{other.id}/history", headers=admin.headers)).json() == before

    @pytest.mark.attack
    async def test_against_demotion(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """While one becomes a candidate and the other is demoted, one of both fails, or the demotion came later.

        Whoever is a candidate was so beside another active administrator at that moment: never after a demotion.
        """
        seen = set()
        for _ in range(rounds(4, full=12)):
            admin, other = [await an_account(app, "admin") for _ in range(2)]
            interview = await create_interview(client, admin)
            demotion = client.patch(f"/v1/users/{other.id}", json={"role": "interviewer"}, headers=admin.headers)
            assignment = add(client, admin, interview, user_id=admin.id, **CANDIDATE)
            assigned, demoted = await asyncio.gather(assignment, demotion)
            assert demoted.status_code == 200
            assert outcome(assigned) in {(201, None), (400, "last_admin")}
            seen.add(assigned.status_code)
            again = await create(client, admin, {"user_id": admin.id, **CANDIDATE})
            assert outcome(again) == (400, "last_admin")
            await app.state.parley.database["users"].delete_many({})
        assert seen <= {201, 400}

    async def test_a_demotion_waits(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        """A demotion that commits between the check and the write of an assignment makes it be checked again."""
        admin, other = [await an_account(app, "admin") for _ in range(2)]
        interview = await create_interview(client, admin)
        users = app.state.parley.database["users"]
        async with app.state.parley.client.start_session() as session, await session.start_transaction():
            await users.update_one({"_id": other.id}, {"$set": {"role": "interviewer"}}, session=session)
            assignment = asyncio.create_task(add(client, admin, interview, user_id=admin.id, **CANDIDATE))
            done, _ = await asyncio.wait([assignment], timeout=0.3)
            assert not done
        assert outcome(await assignment) == (400, "last_admin")
