"""What a change is refused for belongs to a revision that its caller might have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from attending import outcome

from parley_auth.testing import an_account
from parley_interviews.scope import GuardReader
from parley_interviews.testing import address_of, create_interview

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx
    from conftest import People
    from fastapi import FastAPI

    from parley_auth import Principal, Resource

    Changes = Callable[[], Awaitable[None]]

PRESENT, ABSENT = "{present}", "0" * 24
REFUSALS = {
    "other version": ("PATCH", "", {"title": "Other"}, (412, "precondition_failed")),
    "closed": ("PATCH", "", {"title": "Other"}, (400, "interview_closed")),
    "there already": ("POST", "/participants", {"user_id": PRESENT}, (400, "duplicate_participant")),
    "not there": ("DELETE", f"/participants/{ABSENT}", None, (404, "participant_not_found")),
}
FORBIDDEN = (403, "permission_denied")


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Changes], None]:
    """Have changes made once, after the next guard has read and before anything else is read."""

    def prepare(changes: Changes) -> None:
        original, left = GuardReader.read, [changes]

        async def read(reader: GuardReader, interview_id: str, principal: Principal) -> Resource | None:
            found = await original(reader, interview_id, principal)
            if left:
                await left.pop()()
            return found

        monkeypatch.setattr(GuardReader, "read", read)

    return prepare


@pytest.mark.parametrize("becomes_candidate", [True, False])
@pytest.mark.parametrize("reason", REFUSALS)
async def test_caller_becomes_candidate(
    app: FastAPI,
    client: httpx.AsyncClient,
    people: People,
    between: Callable[[Changes], None],
    *,
    reason: str,
    becomes_candidate: bool,
) -> None:
    """An administrator who is the candidate by then may not change the interview; anybody else learns the reason."""
    interview = await create_interview(client, people.admin, people.interviewer)
    caller = await an_account(app, role="admin")
    address, headers = address_of(interview), people.admin.headers
    etag = (await client.get(address, headers=caller.headers)).headers["ETag"]

    async def changes() -> None:
        named: dict[str, Any] = {"user_id": people.candidate.id}
        if becomes_candidate:
            named = {"user_id": caller.id, "participant_role": "candidate"}
        added = await client.post(f"{address}/participants", json=named, headers=headers)
        assert added.status_code == 201
        if reason == "closed":
            closed = await client.patch(f"{address}/status", json={"status": "cancelled"}, headers=headers)
            assert closed.status_code == 200

    between(changes)
    method, rest, body, refusal = REFUSALS[reason]
    if body and PRESENT in body.values():
        body = {"user_id": people.interviewer.id}
    answer = await client.request(
        method,
        address + rest,
        json=body,
        headers=caller.headers | ({"If-Match": etag} if reason == "other version" else {}),
    )
    assert outcome(answer) == (FORBIDDEN if becomes_candidate else refusal)
