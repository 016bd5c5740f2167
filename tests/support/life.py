"""An interview's whole life as the README tells it, seen by everyone who is in it and by one who is not."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from parley_auth.accounts.bootstrap import Administrators
from parley_auth.testing import PASSWORD


@dataclass
class Person:
    """Somebody with an account who speaks HTTP."""

    client: httpx.AsyncClient
    email: str
    headers: dict[str, str] = field(default_factory=dict)

    async def registers(self) -> None:
        """Register an account."""
        body = {"email": self.email, "password": PASSWORD}
        assert (await self.client.post("/v1/auth/register", json=body)).status_code == 201

    async def logs_in(self, password: str = PASSWORD) -> None:
        """Get an access token for what follows."""
        body = {"email": self.email, "password": password}
        answer = await self.client.post("/v1/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def sends(self, method: str, path: str, body: object = None, *, expect: int) -> Any:
        """Sends a request, expects a status, answers the body."""
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=self.headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None


async def an_interviews_life(app: FastAPI, client: httpx.AsyncClient) -> None:
    """Have an administrator add people, the interviewer start and complete, both talk, and a stranger see nothing."""
    await app.state.parley.require(Administrators).provide(email="admin@example.com", password=PASSWORD)
    admin, grace, ada, mallory = (
        Person(client, f"{name}@example.com") for name in ("admin", "grace", "ada", "mallory")
    )
    for person in (grace, ada, mallory):
        await person.registers()
        await person.logs_in()
    await admin.logs_in()

    async def stranger_sees_nothing(path: str) -> None:
        for address in (path, f"{path}/history", f"{path}/participants", f"{path}/messages"):
            problem = await mallory.sends("GET", address, expect=403)
            assert problem["code"] == "not_a_participant"
        assert (await mallory.sends("GET", "/interviews", expect=200))["total"] == 0

    grace_id = (await grace.sends("GET", "/users/me", expect=200))["id"]
    assert (await admin.sends("PATCH", f"/users/{grace_id}", {"role": "interviewer"}, expect=200))[
        "role"
    ] == "interviewer"

    created = await admin.sends(
        "POST",
        "/interviews",
        {
            "title": "Backend engineer, second round",
            "interview_type": "technical",
            "scheduled_at": "2027-03-01T09:30:00+01:00",
            "time_zone": "Europe/Berlin",
            "participants": [{"user_email": "grace@example.com"}],
        },
        expect=201,
    )
    path = f"/interviews/{created['id']}"
    assert created["scheduled_at"] == "2027-03-01T08:30:00Z"
    await stranger_sees_nothing(path)

    assert (await ada.sends("GET", path, expect=403))["code"] == "not_a_participant"
    await admin.sends("POST", f"{path}/participants", {"user_email": "ada@example.com"}, expect=201)
    again = await admin.sends("POST", f"{path}/participants", {"user_email": "ada@example.com"}, expect=400)
    assert again["code"] == "duplicate_participant"
    assert (await ada.sends("GET", path, expect=200))["allowed_transitions"] == []
    await stranger_sees_nothing(path)

    assert (await ada.sends("PATCH", f"{path}/status", {"status": "ongoing"}, expect=403))[
        "code"
    ] == "permission_denied"
    started = await grace.sends("PATCH", f"{path}/status", {"status": "ongoing"}, expect=200)
    assert started["allowed_transitions"] == ["completed"]
    await stranger_sees_nothing(path)

    await grace.sends("POST", f"{path}/messages", {"content": "Welcome, Ada."}, expect=201)
    await ada.sends("POST", f"{path}/messages", {"content": "Thank you!"}, expect=201)
    refused = await mallory.sends("POST", f"{path}/messages", {"content": "Me too!"}, expect=403)
    assert refused["code"] == "not_a_participant"
    assert (await admin.sends("GET", f"{path}/messages", expect=403))["code"] == "not_a_participant"
    await stranger_sees_nothing(path)

    await grace.sends("PATCH", f"{path}/status", {"status": "completed"}, expect=200)
    refused = await ada.sends("POST", f"{path}/messages", {"content": "One more thing"}, expect=400)
    assert refused["code"] == "interview_closed"
    page = await ada.sends("GET", f"{path}/messages", expect=200)
    assert [(m["seq"], m["content"]) for m in page["items"]] == [(1, "Welcome, Ada."), (2, "Thank you!")]
    history = await admin.sends("GET", f"{path}/history", expect=200)
    assert [entry["type"].removeprefix("interview.") for entry in history["items"]] == [
        "created",
        "participant_added",
        "started",
        "completed",
    ]
    await stranger_sees_nothing(path)
