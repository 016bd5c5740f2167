"""As what somebody takes part decides, whatever their account becomes: hired candidates, employees, administrators."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_interviews.testing import address_of, create_interview

NOTES, REASON = "Weak on indexes", "The interviewer was ill"
Interview = dict[str, Any]


@pytest.fixture
async def interview(client: httpx.AsyncClient, admin: Account, interviewer: Account, candidate: Account) -> Interview:
    """An interview with notes, of which one thing was changed for a reason."""
    created = await create_interview(client, admin, interviewer, candidate, notes=NOTES)
    body = {"scheduled_at": "2027-03-09T08:00:00Z", "reason": REASON}
    changed = await client.patch(address_of(created), json=body, headers=admin.headers)
    assert changed.status_code == 200
    return dict(changed.json())


async def send(
    client: httpx.AsyncClient, caller: Account, method: str, address: str, body: object = None
) -> tuple[int, str | None]:
    """Send a request and return the status and the code of its answer."""
    answer = await client.request(method, address, json=body, headers=caller.headers)
    return answer.status_code, answer.json().get("code") if answer.content else None


async def assign(client: httpx.AsyncClient, admin: Account, interview: Interview, account: Account, role: str) -> None:
    body = {"user_id": account.id, "participant_role": role}
    assert await send(client, admin, "POST", f"{address_of(interview)}/participants", body) == (201, None)


async def everything_read(client: httpx.AsyncClient, caller: Account, interview: Interview) -> str:
    """Return all that a caller reads of an interview, each page twice, so that the second comes from the cache."""
    base = address_of(interview)
    places = [
        base,
        f"{base}/history",
        f"{base}/attendance",
        f"{base}/participants",
        f"{base}/participants?former=true",
        "/v1/interviews",
    ]
    answers = [await client.get(place, headers=caller.headers) for place in places * 2]
    assert {answer.status_code for answer in answers} == {200}
    return "".join(answer.text for answer in answers)


async def sees_no_internals(
    client: httpx.AsyncClient, caller: Account, interview: Interview, others: list[Account]
) -> None:
    """Check that a caller reads neither notes nor reasons nor anybody else's e-mail, but every entry, redacted."""
    text = await everything_read(client, caller, interview)
    assert NOTES not in text
    assert REASON not in text
    assert [other.user.email for other in others if other.user.email in text] == []
    assert (await client.get(address_of(interview), headers=caller.headers)).json()["notes"] is None
    history = await client.get(f"{address_of(interview)}/history", headers=caller.headers)
    assert [entry["rev"] for entry in history.json()["items"]] == list(range(1, history.json()["total"] + 1))
    for entry in history.json()["items"]:
        assert entry["reason"] is None
        assert entry["actor"] in {None, caller.id}
        assert "notes" not in entry["changes"]


async def sees_internals(
    client: httpx.AsyncClient, caller: Account, interview: Interview, others: list[Account]
) -> None:
    """The negative control of `sees_no_internals`."""
    text = await everything_read(client, caller, interview)
    assert NOTES in text
    assert REASON in text
    assert all(other.user.email in text for other in others)


async def test_hired_candidate(
    client: httpx.AsyncClient, admin: Account, interviewer: Account, candidate: Account, interview: Interview
) -> None:
    """Whoever is hired neither starts nor completes the interview about them, and reads no more of it than before."""
    base, others = address_of(interview), [interviewer]
    for role in ("interviewer", "candidate", "interviewer", "admin"):
        hired = await send(client, admin, "PATCH", f"/v1/users/{candidate.id}", {"role": role})
        assert hired == (200, None)
        for status in ("ongoing", "completed", "cancelled"):
            attempt = await send(client, candidate, "PATCH", f"{base}/status", {"status": status})
            assert attempt == (403, "permission_denied")
        await sees_no_internals(client, candidate, interview, others)
        await sees_internals(client, interviewer, interview, [candidate])
    detail = (await client.get(base, headers=candidate.headers)).json()
    assert (detail["my_role"], detail["allowed_transitions"], detail["status"]) == ("candidate", [], "scheduled")
    assert await send(client, candidate, "POST", f"{base}/messages", {"content": "Thank you!"}) == (201, None)
    assert await send(client, interviewer, "PATCH", f"{base}/status", {"status": "ongoing"}) == (200, None)
    attempt = await send(client, candidate, "PATCH", f"{base}/status", {"status": "completed"})
    assert attempt == (403, "permission_denied")


async def test_employee_as_candidate(
    app: FastAPI, client: httpx.AsyncClient, admin: Account, interviewer: Account, interview: Interview
) -> None:
    """An employee who is a candidate reads and talks, starts nothing and sees no e-mail; elsewhere they interview."""
    employee, base = await an_account(app, "interviewer"), address_of(interview)
    await assign(client, admin, interview, employee, "candidate")
    assert await send(client, employee, "POST", f"{base}/messages", {"content": "Hello"}) == (201, None)
    assert await send(client, employee, "GET", f"{base}/messages") == (200, None)
    await sees_no_internals(client, employee, interview, [interviewer, admin])
    for status in ("ongoing", "completed"):
        attempt = await send(client, employee, "PATCH", f"{base}/status", {"status": status})
        assert attempt == (403, "permission_denied")
    other = await create_interview(client, admin, employee, notes=NOTES)
    assert other["my_role"] is None
    assert await send(client, employee, "PATCH", f"{address_of(other)}/status", {"status": "ongoing"}) == (200, None)


async def test_admin_as_candidate(
    app: FastAPI,
    client: httpx.AsyncClient,
    *,
    admin: Account,
    interviewer: Account,
    candidate: Account,
    interview: Interview,
) -> None:
    """An administrator who is an interview's candidate can't manage it and sees no internals, unlike any other one."""
    boss, base = await an_account(app, "admin"), address_of(interview)
    await sees_internals(client, boss, interview, [interviewer, candidate])
    await assign(client, admin, interview, boss, "candidate")
    someone = await an_account(app)
    for method, rest, body in (
        ("PATCH", "", {"title": "Mine"}),
        ("PATCH", "", {"notes": "Excellent"}),
        ("PATCH", "/status", {"status": "cancelled"}),
        ("PATCH", "/status", {"status": "ongoing"}),
        ("POST", "/participants", {"user_id": someone.id}),
        ("DELETE", f"/participants/{interviewer.id}", None),
        ("DELETE", f"/participants/{boss.id}", None),
    ):
        assert await send(client, boss, method, base + rest, body) == (403, "permission_denied"), rest
    await sees_no_internals(client, boss, interview, [interviewer, candidate, admin])
    assert await send(client, boss, "POST", f"{base}/messages", {"content": "Hello"}) == (201, None)
    assert await send(client, admin, "DELETE", f"{base}/participants/{boss.id}") == (204, None)
    await sees_internals(client, boss, interview, [interviewer, candidate])


async def test_admin_as_interviewer(
    app: FastAPI,
    client: httpx.AsyncClient,
    *,
    admin: Account,
    interviewer: Account,
    candidate: Account,
    interview: Interview,
) -> None:
    """An administrator who interviews manages the interview, talks in it and sees everything."""
    boss, base = await an_account(app, "admin"), address_of(interview)
    await assign(client, admin, interview, boss, "interviewer")
    await sees_internals(client, boss, interview, [interviewer, candidate])
    someone = await an_account(app)
    for method, rest, body, status in (
        ("PATCH", "", {"title": "Second round"}, 200),
        ("POST", "/participants", {"user_id": someone.id}, 201),
        ("DELETE", f"/participants/{someone.id}", None, 204),
        ("POST", "/messages", {"content": "Hello"}, 201),
        ("PATCH", "/status", {"status": "ongoing"}, 200),
        ("PATCH", "/status", {"status": "completed"}, 200),
    ):
        assert await send(client, boss, method, base + rest, body) == (status, None), rest
