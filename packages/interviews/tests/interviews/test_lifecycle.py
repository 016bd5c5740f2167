"""The life of an interview over HTTP: every role x membership x state x target, and the races."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_interviews.models import Status
from parley_interviews.testing import bring_to, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

MEMBERSHIPS = ("participant", "stranger")
LEGAL = {("scheduled", "ongoing"), ("ongoing", "completed"), ("scheduled", "cancelled")}
STATUS_OF = {"interview.started": "ongoing", "interview.completed": "completed", "interview.cancelled": "cancelled"}


class Row(NamedTuple):
    """One row of the table; the target is what is asked for."""

    role: str
    membership: str
    state: Status
    target: Status


def expected(row: Row) -> tuple[int, str | None]:
    """What the contract says of one row."""
    if row.role != "admin" and row.membership == "stranger":
        return 403, "not_a_participant"
    if row.role == "candidate" or (row.role == "interviewer" and row.target == "cancelled"):
        return 403, "permission_denied"
    return (200, None) if (row.state, row.target) in LEGAL else (400, "invalid_transition")


ROWS = [Row(*row) for row in itertools.product(("admin", "interviewer", "candidate"), MEMBERSHIPS, Status, Status)]


async def change(
    client: httpx.AsyncClient, caller: Account, interview_id: str, status: str, **headers: str
) -> httpx.Response:
    address = f"/v1/interviews/{interview_id}/status"
    return await client.patch(address, json={"status": status}, headers=caller.headers | headers)


async def statuses(client: httpx.AsyncClient, admin: Account, interview_id: str) -> Sequence[str]:
    """Return the statuses of an interview's history, in order."""
    answer = await client.get(f"/v1/interviews/{interview_id}/history?limit=100", headers=admin.headers)
    types = [entry["type"] for entry in answer.json()["items"]]
    return ["scheduled", *(STATUS_OF[type_] for type_ in types if type_ in STATUS_OF)]


def is_path(steps: Sequence[str]) -> bool:
    """Return whether each status may follow the one before."""
    return all(step in LEGAL for step in itertools.pairwise(steps))


@pytest.mark.parametrize("row", ROWS, ids="-".join)
async def test_every_row(app: FastAPI, client: httpx.AsyncClient, row: Row) -> None:
    """Each of the 96 rows answers what the policy says, changes the status exactly then, and offers what it allows."""
    admin, caller = await an_account(app, "admin"), await an_account(app, row.role)
    interview = await create_interview(client, admin, *([caller] if row.membership == "participant" else []))
    address = f"/v1/interviews/{interview['id']}"
    await bring_to(client, admin, interview["id"], row.state)
    offered = await client.get(address, headers=caller.headers)
    before = (await client.get(address, headers=admin.headers)).json()

    answer = await change(client, caller, interview["id"], row.target)

    status, code = expected(row)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    after = (await client.get(address, headers=admin.headers)).json()
    assert after["status"] == (row.target if status == 200 else row.state)
    assert after["rev"] == before["rev"] + (status == 200)
    if offered.status_code == 200:
        assert (row.target in offered.json()["allowed_transitions"]) == (status == 200)


def test_there_are_96_rows() -> None:
    """The table leaves nothing out: 3 roles, 2 memberships, 4 states, 4 targets."""
    assert len(ROWS) == len(set(ROWS)) == 96


class TestRefusal:
    async def test_names_from_to_and_allowed(self, client: httpx.AsyncClient, people: People) -> None:
        """The refusal of an illegal transition names both statuses and the transitions that the caller may make."""
        admin, interviewer = people.admin, people.interviewer
        interview = await create_interview(client, admin, interviewer)
        details = [
            (await change(client, caller, interview["id"], "completed")).json()["detail"]
            for caller in (admin, interviewer)
        ]
        assert details == [
            f"The interview is scheduled and can't become completed; you may bring it to: {ways}"
            for ways in ("ongoing, cancelled", "ongoing")
        ]
        await bring_to(client, admin, interview["id"], "cancelled")
        assert (await change(client, admin, interview["id"], "ongoing")).json()["detail"].endswith("to: nothing")

    async def test_unknown_word(self, client: httpx.AsyncClient, people: People) -> None:
        """A status that doesn't exist is malformed input, not an illegal step."""
        admin = people.admin
        interview = await create_interview(client, admin)
        for word in ("paused", "", "ONGOING", None, 1, ["ongoing"], {"$ne": "x"}):
            answer = await client.patch(
                f"/v1/interviews/{interview['id']}/status", json={"status": word}, headers=admin.headers
            )
            assert (answer.status_code, answer.json()["code"]) == (400, "validation_error"), word

    async def test_role_comes_before_legality(self, client: httpx.AsyncClient, people: People) -> None:
        """An interviewer who cancels a completed interview learns that their role may never cancel."""
        admin, interviewer = people.admin, people.interviewer
        interview = await create_interview(client, admin, interviewer)
        await bring_to(client, admin, interview["id"], "completed")
        answer = await change(client, interviewer, interview["id"], "cancelled")
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")

    async def test_stale_version(self, client: httpx.AsyncClient, people: People) -> None:
        """A transition honours If-Match: a stale version changes nothing, the current one does."""
        admin = people.admin
        interview = await create_interview(client, admin)
        address = f"/v1/interviews/{interview['id']}"
        stale = (await client.get(address, headers=admin.headers)).headers["ETag"]
        current = (await client.patch(address, json={"title": "Other"}, headers=admin.headers)).headers["ETag"]
        refused = await change(client, admin, interview["id"], "ongoing", **{"If-Match": stale})
        assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
        assert (await client.get(address, headers=admin.headers)).json()["status"] == "scheduled"
        accepted = await change(client, admin, interview["id"], "ongoing", **{"If-Match": current})
        assert accepted.json()["status"] == "ongoing"
        assert accepted.headers["ETag"] == '"3-outsider.internal.completed"'


class TestEffects:
    async def test_reason_is_recorded(self, client: httpx.AsyncClient, people: People) -> None:
        """The reason is in the history, and a cancelled interview has another schedule version."""
        admin = people.admin
        interview = await create_interview(client, admin)
        address = f"/v1/interviews/{interview['id']}"
        body = {"status": "cancelled", "reason": "The position is filled"}
        cancelled = (await client.patch(f"{address}/status", json=body, headers=admin.headers)).json()
        assert (cancelled["rev"], cancelled["schedule_version"]) == (2, 1)
        last = (await client.get(f"{address}/history", headers=admin.headers)).json()["items"][-1]
        assert last["reason"] == "The position is filled"
        assert last["changes"] == {"status": {"from": "scheduled", "to": "cancelled"}}

    async def test_start_and_end_keep_the_schedule(self, client: httpx.AsyncClient, people: People) -> None:
        """Starting and completing don't change the schedule."""
        admin = people.admin
        interview = await create_interview(client, admin)
        await bring_to(client, admin, interview["id"], "completed")
        after = (await client.get(f"/v1/interviews/{interview['id']}", headers=admin.headers)).json()
        assert (after["rev"], after["schedule_version"]) == (3, 0)


@pytest.mark.attack
class TestRaces:
    """Each race is run in several rounds."""

    async def test_of_twenty_starts_one_wins(self, client: httpx.AsyncClient, people: People) -> None:
        """Of 20 concurrent starts one succeeds, the others learn that it can't be started any more."""
        for _ in range(rounds(2, full=5)):
            interview = await create_interview(client, people.admin)
            starts = (change(client, people.admin, interview["id"], "ongoing") for _ in range(20))
            answers = await asyncio.gather(*starts)
            assert sorted(a.status_code for a in answers) == [200] + [400] * 19
            assert {a.json()["code"] for a in answers if a.status_code == 400} == {"invalid_transition"}
            assert await statuses(client, people.admin, interview["id"]) == ["scheduled", "ongoing"]

    async def test_through_two_applications(
        self, client: httpx.AsyncClient, people: People, deployment: Deployment
    ) -> None:
        """Of 20 concurrent starts, half of them through another worker, one succeeds."""
        async with deployment.worker() as other:
            for _ in range(rounds(2, full=5)):
                interview = await create_interview(client, people.admin)
                clients = [client, other] * 10
                answers = await asyncio.gather(*(change(c, people.admin, interview["id"], "ongoing") for c in clients))
                assert sorted(a.status_code for a in answers) == [200] + [400] * 19
                assert await statuses(other, people.admin, interview["id"]) == ["scheduled", "ongoing"]

    async def test_start_against_cancel(self, client: httpx.AsyncClient, people: People) -> None:
        """Of concurrent starts and cancellations exactly one succeeds, and the history contains that one alone."""
        for _ in range(rounds(2, full=5)):
            interview = await create_interview(client, people.admin)
            targets = ["ongoing", "cancelled"] * 5
            answers = await asyncio.gather(*(change(client, people.admin, interview["id"], t) for t in targets))
            [winner] = [a.json()["status"] for a in answers if a.status_code == 200]
            assert {a.json()["code"] for a in answers if a.status_code != 200} == {"invalid_transition"}
            assert await statuses(client, people.admin, interview["id"]) == ["scheduled", winner]

    async def test_every_step_at_once(self, client: httpx.AsyncClient, people: People) -> None:
        """Whatever is requested at once, the history is a path of the state graph that ends in the present status."""
        for _ in range(rounds(2, full=5)):
            interview = await create_interview(client, people.admin)
            targets = ["completed", "ongoing", "cancelled"] * 4
            answers = await asyncio.gather(*(change(client, people.admin, interview["id"], t) for t in targets))
            steps = await statuses(client, people.admin, interview["id"])
            assert is_path(steps)
            assert len(steps) == 1 + sum(a.status_code == 200 for a in answers)
            now = (await client.get(f"/v1/interviews/{interview['id']}", headers=people.admin.headers)).json()
            assert now["status"] == steps[-1]

    def test_the_check_of_a_path_fires(self) -> None:
        """The check above fires for a step that the graph doesn't have."""
        assert is_path(["scheduled", "ongoing", "completed"])
        assert not is_path(["scheduled", "cancelled", "ongoing"])
