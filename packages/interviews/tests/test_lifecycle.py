"""The life of an interview over HTTP: every role x membership x state x target, and the races."""

import asyncio
import itertools

import httpx
import pytest
from fastapi import FastAPI
from parley_auth import Role
from parley_auth.testing import an_account
from parley_interviews.models import Status
from parley_interviews.testing import bring_to, plan

MEMBERSHIPS = ("participant", "stranger")
LEGAL = {("scheduled", "ongoing"), ("ongoing", "completed"), ("scheduled", "cancelled")}


def expected(role: Role, membership: str, state: str, target: str) -> tuple[int, str | None]:
    """What the contract says of one row."""
    if role is not Role.ADMIN and membership == "stranger":
        return 403, "not_a_participant"
    if role is Role.CANDIDATE or (role is Role.INTERVIEWER and target == "cancelled"):
        return 403, "permission_denied"
    return (200, None) if (state, target) in LEGAL else (400, "invalid_transition")


@pytest.mark.parametrize(
    ("role", "membership", "state", "target"), list(itertools.product(Role, MEMBERSHIPS, Status, Status))
)
async def test_every_row(
    app: FastAPI, client: httpx.AsyncClient, role: Role, membership: str, state: Status, target: Status
) -> None:
    """Each of the 96 rows answers what the policy says, changes the status exactly then, and offers what it allows."""
    admin, caller = await an_account(app, Role.ADMIN), await an_account(app, role)
    interview = await plan(client, admin, *([caller] if membership == "participant" else []))
    address = f"/v1/interviews/{interview['id']}"
    await bring_to(client, admin, interview["id"], state)
    offered = await client.get(address, headers=caller.headers)

    answer = await client.patch(f"{address}/status", json={"status": target}, headers=caller.headers)

    status, code = expected(role, membership, state, target)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    after = (await client.get(address, headers=admin.headers)).json()["status"]
    assert after == (target if status == 200 else state)
    if offered.status_code == 200:
        assert (target in offered.json()["allowed_transitions"]) == (status == 200)


@pytest.mark.parametrize("round_", range(5))
async def test_of_twenty_starts_one_wins(app: FastAPI, client: httpx.AsyncClient, round_: int) -> None:
    """Of 20 concurrent starts one succeeds, the others learn that it can't be started any more."""
    admin = await an_account(app, Role.ADMIN)
    interview = await plan(client, admin)
    address = f"/v1/interviews/{interview['id']}"
    starts = (client.patch(f"{address}/status", json={"status": "ongoing"}, headers=admin.headers) for _ in range(20))
    answers = await asyncio.gather(*starts)
    assert sorted(a.status_code for a in answers) == [200] + [400] * 19
    assert {a.json()["code"] for a in answers if a.status_code == 400} == {"invalid_transition"}
    assert (await client.get(f"{address}/history", headers=admin.headers)).json()["total"] == 2
