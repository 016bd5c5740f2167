"""Requests about attendance: who says that they are coming, and who came."""

from __future__ import annotations

from typing import Any

import httpx

from parley_auth.testing import Account
from parley_interviews.testing import address_of

Interview = dict[str, Any]

PAST = "2027-03-01T11:30:00Z"
"""Half an hour before the tests' clock."""


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code of an answer."""
    return answer.status_code, answer.json()["code"] if answer.is_error else None


async def rsvp(
    client: httpx.AsyncClient, caller: Account, interview: Interview, answer: str = "accepted", **more: Any
) -> httpx.Response:
    """Answer as a participant, by default to the version of the schedule that `interview` has."""
    body = {"answer": answer, "schedule_version": interview["schedule_version"], **more}
    return await client.put(f"{address_of(interview)}/rsvp", json=body, headers=caller.headers)


async def mark(
    client: httpx.AsyncClient, caller: Account, interview: Interview, who: Account, attended: str, **more: Any
) -> httpx.Response:
    """Mark whether somebody came."""
    address = f"{address_of(interview)}/attendance/{who.id}"
    return await client.put(address, json={"attended": attended, **more}, headers=caller.headers)


async def change(client: httpx.AsyncClient, admin: Account, interview: Interview, **details: Any) -> Interview:
    """Update an interview and return it."""
    answer = await client.patch(address_of(interview), json=details, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def attendance(client: httpx.AsyncClient, viewer: Account, interview: Interview) -> dict[str, Any]:
    """Return what a viewer reads of everybody."""
    answer = await client.get(f"{address_of(interview)}/attendance", headers=viewer.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def entry(client: httpx.AsyncClient, viewer: Account, interview: Interview, who: Account) -> dict[str, Any]:
    """Return what a viewer reads of one participant."""
    [found] = [i for i in (await attendance(client, viewer, interview))["items"] if i["user_id"] == who.id]
    return dict(found)
