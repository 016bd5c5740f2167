"""Messages against cancellation and removal, over two workers: the log of the database itself says what came first."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from races import after_the, post_to, race_to_close, recorded_order

from parley_app import create_app
from parley_auth.testing import Account, an_account, auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.testing import create_interview

ROUNDS = 25
OUTCOMES = {(closing, status) for closing in ("cancelled", "completed") for status in (201, 400)}
"""What must have been seen of posts that race with a close; a busy machine takes more rounds for that."""


@pytest.fixture
async def other_client(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A second worker on the same database."""
    async with running_client(create_app([core_settings, auth_settings()])) as client:
        yield client


async def test_none_after_the_cancel(
    app: FastAPI, client: httpx.AsyncClient, other_client: httpx.AsyncClient, admin: Account, candidate: Account
) -> None:
    """Whatever the race, no message is committed after the cancel, and each refused one learns why."""
    refused = 0
    for _ in range(ROUNDS):
        interview = await create_interview(client, admin, candidate)
        address = f"/v1/interviews/{interview['id']}"
        async with recorded_order(app) as changes:
            cancel = other_client.patch(f"{address}/status", json={"status": "cancelled"}, headers=admin.headers)
            posts = [post_to(worker, address, candidate) for worker in (client, other_client) for _ in range(3)]
            cancelled, *answers = await asyncio.gather(cancel, *posts)
        assert cancelled.status_code == 200, cancelled.text
        assert {(a.status_code, a.json().get("code")) for a in answers} <= {(201, None), (400, "interview_closed")}
        assert after_the(changes, {"status": "cancelled"}) == []
        page = (await client.get(f"{address}/messages", headers=candidate.headers)).json()
        accepted = [a.json()["seq"] for a in answers if a.status_code == 201]
        assert sorted(accepted) == [m["seq"] for m in page["items"]] == list(range(1, len(accepted) + 1))
        refused += len(answers) - len(accepted)
    assert refused > 0


@pytest.mark.parametrize("rounds", [8, pytest.param(1000, marks=pytest.mark.chaos)])
async def test_start_against_cancel_against_post(
    app: FastAPI,
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    admin: Account,
    candidate: Account,
    *,
    rounds: int,
) -> None:
    """Of a start and a cancel one wins; no message is committed after the close, be it the cancel or a completion."""
    outcomes: set[tuple[str, int]] = set()
    for number in range(10 * rounds):
        if number >= rounds and outcomes == OUTCOMES:
            break
        workers = (client, other_client) if number % 2 else (other_client, client)
        outcomes |= await race_to_close(app, workers, admin, candidate)
    assert outcomes == OUTCOMES


def is_deactivation(change: dict[str, Any]) -> bool:
    return change.get("updateDescription", {}).get("updatedFields", {}).get("active") is False


def is_end_of_sessions(change: dict[str, Any]) -> bool:
    changed = change.get("updateDescription", {})
    names = {*changed.get("updatedFields", {}), *(array["field"] for array in changed.get("truncatedArrays", ()))}
    return any(name.partition(".")[0] == "sessions" for name in names)


Act = Callable[[httpx.AsyncClient, Account, Account], Awaitable[httpx.Response]]
ACTS: dict[str, tuple[Act, Callable[[dict[str, Any]], bool]]] = {
    "deactivation": (
        lambda client, admin, user: client.patch(f"/v1/users/{user.id}", json={"active": False}, headers=admin.headers),
        is_deactivation,
    ),
    "logout": (
        lambda client, _, user: client.post("/v1/auth/logout", headers=user.headers),
        is_end_of_sessions,
    ),
    "end of all sessions": (
        lambda client, admin, user: client.post(f"/v1/users/{user.id}/logout-all", headers=admin.headers),
        is_end_of_sessions,
    ),
}


@pytest.mark.attack
@pytest.mark.parametrize("act", ACTS)
async def test_none_by_one_whose_rights_ended(
    app: FastAPI, client: httpx.AsyncClient, other_client: httpx.AsyncClient, admin: Account, act: str
) -> None:
    """Of three who post without a pause for one account, nothing is committed after its rights were ended."""
    end, is_end = ACTS[act]
    refused = 0
    for _ in range(rounds(2, full=100)):
        sender = await an_account(app)
        addresses = [f"/v1/interviews/{(await create_interview(client, admin, sender))['id']}" for _ in range(3)]
        begun = asyncio.Barrier(4)

        async def posts(
            address: str, worker: httpx.AsyncClient, sender: Account = sender, begun: asyncio.Barrier = begun
        ) -> list[httpx.Response]:
            answers = [await post_to(worker, address, sender)]
            await begun.wait()
            while answers[-1].status_code == 201:
                answers.append(await post_to(worker, address, sender))
            return answers

        async with recorded_order(app) as changes:
            posting = [
                asyncio.create_task(posts(address, worker))
                for address, worker in zip(addresses, (client, other_client, client), strict=True)
            ]
            await begun.wait()
            assert (await end(other_client, admin, sender)).is_success
            answers = [answer for task in posting for answer in await task]
        assert {(a.status_code, a.json().get("code")) for a in answers} == {(201, None), (401, "invalid_token")}
        at = next(n for n, c in enumerate(changes) if c["ns"]["coll"] == "users" and is_end(c))
        written = [n for n, change in enumerate(changes) if change["ns"]["coll"] == "messages"]
        assert [n for n in written if n > at] == []
        assert written
        refused += sum(answer.status_code == 401 for answer in answers)
    assert refused > 0


async def test_none_by_one_removed(
    app: FastAPI, client: httpx.AsyncClient, other_client: httpx.AsyncClient, admin: Account, candidate: Account
) -> None:
    """No message of a participant is committed after their removal, and they get 403."""
    refused = 0
    for _ in range(ROUNDS):
        interviewer = await an_account(app, "interviewer")
        interview = await create_interview(client, admin, candidate, interviewer)
        address = f"/v1/interviews/{interview['id']}"
        async with recorded_order(app) as changes:
            removal = other_client.delete(f"{address}/participants/{candidate.id}", headers=admin.headers)
            posts = [post_to(worker, address, candidate) for worker in (client, other_client) for _ in range(3)]
            removed, *answers = await asyncio.gather(removal, *posts)
        assert removed.status_code == 204, removed.text
        assert {(a.status_code, a.json().get("code")) for a in answers} <= {(201, None), (403, "not_a_participant")}
        at = next(i for i, c in enumerate(changes) if "rev" in c.get("updateDescription", {}).get("updatedFields", {}))
        assert [c for c in changes[at:] if c["ns"]["coll"] == "messages"] == []
        refused += sum(a.status_code == 403 for a in answers)
    assert refused > 0
