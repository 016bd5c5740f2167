"""Builders of interviews for the tests of packages that build on them; needs `parley-interviews[testing]`."""

from collections.abc import Mapping
from typing import Any

import httpx

from parley_auth.testing import Account

_STEPS = {"scheduled": [], "ongoing": ["ongoing"], "completed": ["ongoing", "completed"], "cancelled": ["cancelled"]}


def an_interview(**changes: Any) -> dict[str, Any]:
    """Return the body that creates an interview."""
    body = {"title": "Backend engineer", "interview_type": "technical", "scheduled_at": "2027-03-05T09:30:00Z"}
    return body | changes


def address_of(interview: Mapping[str, Any]) -> str:
    """Return the address of an interview."""
    return f"/v1/interviews/{interview['id']}"


async def create_interview(
    client: httpx.AsyncClient, admin: Account, *participants: Account, **changes: Any
) -> dict[str, Any]:
    """Create an interview and return it as its administrator sees it."""
    body = an_interview(participants=[{"user_id": p.id} for p in participants], **changes)
    answer = await client.post("/v1/interviews", json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.text  # noqa: PLR2004
    return dict(answer.json())


async def bring_to(client: httpx.AsyncClient, admin: Account, interview_id: str, status: str) -> None:
    """Bring a scheduled interview to a status, one legal transition after the other."""
    for step in _STEPS[status]:
        address = f"/v1/interviews/{interview_id}/status"
        answer = await client.patch(address, json={"status": step}, headers=admin.headers)
        assert answer.status_code == 200, answer.text  # noqa: PLR2004
