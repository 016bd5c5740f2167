"""The log of the whole application: one event for each accepted change, nothing private in it, for administrators."""

import logging
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.testing import Account
from parley_core.log.relay import Relay
from parley_core.testing import walk
from parley_interviews.testing import an_interview

PASSWORD, NEW_PASSWORD = "canary of nine green bottles", "canary of ten blue bottles"
NAME, NEW_NAME = "Canary Lovelace", "Canary King"
EMAIL, OTHER_EMAIL = "canary.ada@example.com", "canary.grace@example.com"
INVITED_EMAIL, CHANGED_EMAIL = "canary.mary@example.com", "canary.somerville@example.com"
MESSAGE, DESCRIPTION = "canary message: shall we begin?", "canary description " + "of some length " * 30
# Shown on purpose: what an interview is called, and why it was changed.
TITLE, REASON = "Backend engineer", "the interviewer is ill"
KINDS = {"interview", "message", "user"}


@dataclass
class Life:
    """Requests that are sent one after the other, and the ids of those that changed something."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    accepted: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    async def does(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None, *, logged: bool = True
    ) -> Any:
        """Send a request that must be accepted."""
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=headers or self.headers)
        assert answer.is_success, answer.text
        if logged:
            self.accepted.append(answer.headers["X-Request-ID"])
        return answer.json() if answer.content else None

    async def fails(self, method: str, path: str, body: object = None) -> None:
        """Send a request that must be refused."""
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=self.headers)
        assert answer.is_client_error, answer.text

    async def logs_in(self, email: str, password: str) -> dict[str, str]:
        """Return the headers of a session, whose tokens are secrets."""
        tokens = await self.does("POST", "/auth/login", {"email": email, "password": password}, logged=False)
        self.secrets |= {tokens["access_token"], tokens["refresh_token"]}
        return {"Authorization": f"Bearer {tokens['access_token']}"}

    async def accepts(self, user_id: str, purpose: str) -> None:
        """Set a password with a new link, which is a secret, and works once."""
        link = await self.does("POST", f"/users/{user_id}/link", {"purpose": purpose})
        wanted = {"token": link["token"], "password": NEW_PASSWORD}
        tokens = await self.does("POST", "/auth/accept", wanted)
        self.secrets |= {link["token"], tokens["access_token"], tokens["refresh_token"]}
        await self.fails("POST", "/auth/accept", wanted)


async def invites(life: Life) -> None:
    """Invite somebody, do to their account what administrators do, and give a program a key."""
    invited = await life.does("POST", "/users", {"email": INVITED_EMAIL, "name": NAME, "role": "candidate"})
    await life.accepts(invited["id"], "invitation")
    await life.does("PATCH", f"/users/{invited['id']}", {"email": CHANGED_EMAIL})
    await life.does("POST", f"/users/{invited['id']}/logout-all")
    await life.accepts(invited["id"], "reset")
    key = await life.does("POST", "/api-keys", {"name": NAME, "actions": ["users:read"]})
    life.secrets.add(key["key"])
    await life.does("DELETE", f"/api-keys/{key['id']}")


async def lives(life: Life) -> None:
    """Do everything that is recorded, and between it what isn't: what is refused, and what changes nothing."""
    ada = await life.does("POST", "/auth/register", {"email": EMAIL, "password": PASSWORD, "name": NAME})
    await life.fails("POST", "/auth/register", {"email": EMAIL, "password": PASSWORD})
    grace = await life.does("POST", "/users", {"email": OTHER_EMAIL, "password": PASSWORD, "role": "candidate"})
    hers = await life.logs_in(EMAIL, PASSWORD)
    await life.does("PATCH", "/users/me", {"name": NEW_NAME}, hers)
    await life.does("PATCH", "/users/me", {"name": NEW_NAME}, hers, logged=False)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    await life.does("POST", "/users/me/password", change, hers)
    for body in ({"role": "interviewer"}, {"name": NAME}, {"active": False}, {"active": True}):
        await life.does("PATCH", f"/users/{grace['id']}", body)
    await life.does("PATCH", f"/users/{grace['id']}", {"active": True}, logged=False)

    people = [{"user_email": EMAIL}]
    wanted = an_interview(title=TITLE, description=DESCRIPTION, participants=people)
    interview = f"/interviews/{(await life.does('POST', '/interviews', wanted))['id']}"
    await life.fails("POST", f"{interview}/participants", people[0])
    await life.does("POST", f"{interview}/participants", {"user_email": OTHER_EMAIL})
    await life.does("PATCH", interview, {"description": DESCRIPTION + "canary"})
    await life.does("PATCH", interview, {"scheduled_at": "2027-03-06T09:30:00Z", "reason": REASON})
    await life.does("PATCH", interview, {"scheduled_at": "2027-03-06T10:30:00+01:00"}, logged=False)
    message = {"content": MESSAGE, "client_message_id": "canary-1"}
    await life.does("POST", f"{interview}/messages", message, hers)
    await life.does("POST", f"{interview}/messages", message, hers, logged=False)
    await life.does("DELETE", f"{interview}/participants/{grace['id']}")
    await life.fails("DELETE", f"{interview}/participants/{grace['id']}")
    for status in ("ongoing", "completed"):
        await life.does("PATCH", f"{interview}/status", {"status": status})
    await life.fails("PATCH", f"{interview}/status", {"status": "cancelled"})
    other = await life.does("POST", "/interviews", an_interview())
    await life.does("PATCH", f"/interviews/{other['id']}/status", {"status": "cancelled", "reason": REASON})
    assert ada["id"] != grace["id"]
    await invites(life)


@pytest.fixture
async def life(app: FastAPI, client: httpx.AsyncClient, admin: Account, caplog: pytest.LogCaptureFixture) -> Life:
    """A life that has been lived, all of it in the log."""
    caplog.set_level(logging.INFO)
    life = Life(client, admin.headers)
    await lives(life)
    await app.state.parley.require(Relay).drain()
    return life


async def events(life: Life, **query: Any) -> list[dict[str, Any]]:
    """Every event of the log, page by page."""
    address = str(httpx.URL("/v1/events", params={"limit": 7, **query}))
    pages = [answer.json() async for answer in walk(life.client, address, headers=life.headers)]
    return [event for page in pages for event in page["items"]]


async def test_one_event_for_each_change(app: FastAPI, life: Life) -> None:
    """Each accepted change is one event with the id of its request, in order; what changed nothing is none."""
    found = await events(life)
    # The test's own accounts weren't made by requests.
    requests = [event["request_id"] for event in found if event["request_id"] != "test"]
    assert requests == life.accepted
    assert [event["position"] for event in found] == list(range(1, len(found) + 1))
    assert {event["id"] for event in found} == {f"{e['kind']}:{e['subject_id']}:{e['rev']}" for e in found}
    declared = {name for name in app.state.parley.events.types if name.partition(".")[0] in KINDS}
    assert {event["type"] for event in found} == declared


async def test_what_integrators_ask_for(life: Life) -> None:
    """A reschedule says from when to when, a cancellation by whom and why, a removal of whom, a message where."""
    [rescheduled] = await events(life, type="interview.rescheduled")
    assert rescheduled["changes"]["scheduled_at"] == {"from": "2027-03-05T09:30:00Z", "to": "2027-03-06T09:30:00Z"}
    assert rescheduled["reason"] == REASON
    [cancelled] = await events(life, type="interview.cancelled")
    assert cancelled["changes"] == {"status": {"from": "scheduled", "to": "cancelled"}}
    assert (cancelled["actor"], cancelled["reason"]) == (rescheduled["actor"], REASON)
    [removed] = await events(life, type="interview.participant_removed")
    gone = removed["changes"]["participant"]["from"]["user_id"]
    assert gone in removed["audience"]
    [posted] = await events(life, type="message.posted")
    assert (posted["subject_id"], posted["rev"]) == (rescheduled["subject_id"], 1)
    assert posted["changes"].keys() == {"message_id"}


async def test_nothing_private(
    app: FastAPI, life: Life, subtests: pytest.Subtests, caplog: pytest.LogCaptureFixture
) -> None:
    """No password, token, e-mail address, name or text of a message is in the log, on its pages or in log lines."""
    secrets = life.secrets | {PASSWORD, NEW_PASSWORD, NAME, NEW_NAME, EMAIL, OTHER_EMAIL, MESSAGE, DESCRIPTION}
    secrets |= {INVITED_EMAIL, CHANGED_EMAIL}
    secrets |= {"canary", "Canary", "argon2"}
    pages = await life.client.get("/v1/events", params={"limit": 100}, headers=life.headers)
    stored = await app.state.parley.database["events"].find().to_list()
    lines = "\n".join(record.getMessage() for record in caplog.get_records("setup"))
    places = {"page": pages.text, "log": str(stored), "lines": lines}
    for place, text in places.items():
        with subtests.test(place):
            assert [secret for secret in secrets if secret in text] == []
    # What is shown on purpose is found there, so the secrets would be, too.
    assert all(shown in places["page"] and shown in places["log"] for shown in (TITLE, REASON))
    assert life.accepted[0] in lines
