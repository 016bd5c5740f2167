"""Security events: one JSON line each, with the request's id and without a secret."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI

from parley_auth.security_log import Kind
from parley_auth.testing import PASSWORD, People
from parley_core.testing.log_lines import lines_of

SECRET = "ten green bottles"


class Scene:
    """A client and the people whose events are logged."""

    def __init__(self, client: httpx.AsyncClient, people: People, app: FastAPI) -> None:
        self.client = client
        self.app = app
        self.people = people

    async def send(self, method: str, path: str, caller: str = "anonymous", **body: Any) -> httpx.Response:
        headers = self.people.headers_of(caller) | {"X-Request-ID": "this-request"}
        return await self.client.request(method, path, headers=headers, json=body or None)

    async def log_in(self, password: str = PASSWORD) -> httpx.Response:
        return await self.send("POST", "/v1/auth/login", email=self.people.candidate.user.email, password=password)

    async def fail(self) -> httpx.Response:
        return await self.log_in(SECRET)

    async def fail_often(self) -> httpx.Response:
        for _ in range(6):
            await self.fail()
        return await self.fail()

    async def reuse(self) -> httpx.Response:
        token = self.people.candidate.refresh_token
        await self.send("POST", "/v1/auth/refresh", refresh_token=token)
        return await self.send("POST", "/v1/auth/refresh", refresh_token=token)

    async def repeat(self) -> httpx.Response:
        headers = {"X-Request-ID": "this-request", "Idempotency-Key": "this-key"}
        body = {"refresh_token": self.people.candidate.refresh_token}
        await self.client.post("/v1/auth/refresh", headers=headers, json=body)
        return await self.client.post("/v1/auth/refresh", headers=headers, json=body)

    async def log_out(self) -> httpx.Response:
        return await self.send("POST", "/v1/auth/logout", "candidate")

    async def log_out_everywhere(self) -> httpx.Response:
        return await self.send("POST", "/v1/auth/logout-all", "candidate")

    async def change_password(self) -> httpx.Response:
        body = {"current_password": PASSWORD, "new_password": SECRET}
        return await self.send("POST", "/v1/users/me/password", "candidate", **body)

    async def change(self, **changes: Any) -> httpx.Response:
        return await self.send("PATCH", f"/v1/users/{self.people.candidate.id}", "admin", **changes)

    async def change_role(self) -> httpx.Response:
        return await self.change(role="interviewer")

    async def deactivate(self) -> httpx.Response:
        return await self.change(active=False)

    async def reactivate(self) -> httpx.Response:
        await self.deactivate()
        return await self.change(active=True)

    async def create_key(self) -> httpx.Response:
        return await self.send("POST", "/v1/api-keys", "admin", name=SECRET, actions=["users:list"])

    async def revoke_key(self) -> httpx.Response:
        key = (await self.create_key()).json()
        return await self.send("DELETE", f"/v1/api-keys/{key['id']}", "admin")

    async def end_sessions(self) -> httpx.Response:
        return await self.send("POST", f"/v1/users/{self.people.candidate.id}/logout-all", "admin")

    async def change_email(self) -> httpx.Response:
        return await self.change(email="king@example.com")

    async def create_link(self, purpose: str = "reset") -> httpx.Response:
        return await self.send("POST", f"/v1/users/{self.people.candidate.id}/link", "admin", purpose=purpose)

    async def accept(self, purpose: str = "reset") -> httpx.Response:
        token = (await self.create_link(purpose)).json()["token"]
        return await self.send("POST", "/v1/auth/accept", token=token, password=SECRET)

    async def accept_invitation(self) -> httpx.Response:
        users = self.app.state.parley.database.users
        invited = {"$set": {"state": "invited", "password_hash": None}}
        await users.update_one({"_id": self.people.candidate.id}, invited)
        return await self.accept("invitation")

    async def accept_twice(self) -> httpx.Response:
        token = (await self.create_link()).json()["token"]
        await self.send("POST", "/v1/auth/accept", token=token, password=SECRET)
        return await self.send("POST", "/v1/auth/accept", token=token, password=SECRET)

    async def ask_for_too_much(self) -> httpx.Response:
        return await self.send("GET", "/v1/users", "candidate")


ACTS: dict[str, tuple[Callable[[Scene], Awaitable[httpx.Response]], str, dict[str, str]]] = {
    "login": (Scene.log_in, "INFO", {"network": "127.0.0.1"}),
    "login_failed": (Scene.fail, "WARNING", {"network": "127.0.0.1"}),
    "login_throttled": (Scene.fail_often, "WARNING", {"network": "127.0.0.1"}),
    "refresh_reused": (Scene.reuse, "WARNING", {"network": "127.0.0.1"}),
    "refresh_repeated": (Scene.repeat, "INFO", {"network": "127.0.0.1"}),
    "session_ended": (Scene.log_out, "INFO", {}),
    "sessions_ended": (Scene.log_out_everywhere, "INFO", {}),
    "sessions_ended_by_admin": (Scene.end_sessions, "WARNING", {}),
    "password_changed": (Scene.change_password, "WARNING", {}),
    "password_reset": (Scene.accept, "WARNING", {"network": "127.0.0.1"}),
    "link_created": (Scene.create_link, "WARNING", {"purpose": "reset"}),
    "link_refused": (Scene.accept_twice, "WARNING", {"network": "127.0.0.1"}),
    "invitation_accepted": (Scene.accept_invitation, "WARNING", {"network": "127.0.0.1"}),
    "email_changed": (Scene.change_email, "WARNING", {"role_after": "candidate"}),
    "role_changed": (Scene.change_role, "WARNING", {"role_before": "candidate", "role_after": "interviewer"}),
    "account_deactivated": (Scene.deactivate, "WARNING", {"role_after": "candidate"}),
    "account_reactivated": (Scene.reactivate, "WARNING", {"role_after": "candidate"}),
    "key_created": (Scene.create_key, "WARNING", {"actions": "users:list"}),
    "key_revoked": (Scene.revoke_key, "WARNING", {}),
    "access_denied": (Scene.ask_for_too_much, "WARNING", {"role": "candidate", "actions": "users:list"}),
}


@pytest.mark.parametrize("kind", ACTS)
async def test_each(
    app: FastAPI, client: httpx.AsyncClient, people: People, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """An event is a line of `parley.security`: kind, request and account, and no secret."""
    caplog.set_level(logging.INFO, "parley.security")
    act, level, fields = ACTS[kind]
    await act(Scene(client, people, app))
    logged = [line for line in lines_of(caplog.records, "parley.security") if line["event"] == kind][-1]
    assert (logged["level"], logged["request_id"]) == (level, "this-request")
    about = people.admin if kind.startswith("key_") else people.candidate
    assert logged["user_id"] == about.id
    assert {name: logged.get(name) for name in fields} == fields
    for secret in (PASSWORD, SECRET, "king@example.com", people.candidate.user.email, people.candidate.refresh_token):
        assert secret not in caplog.text


def test_table_is_complete() -> None:
    """Each kind of event has its act, but for a registration that is refused and a resource that is missing.

    The one has no account, the other a scope; they have tests of their own.
    """
    assert set(get_args(Kind)) - {"registration_throttled", "resource_missing"} == ACTS.keys()


async def test_unknown_account(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """An unknown e-mail appears as its digest, which is the same for each spelling."""
    caplog.set_level(logging.INFO, "parley.security")
    for email in ("nobody@example.com", " NOBODY@example.com"):
        await client.post("/v1/auth/login", json={"email": email, "password": SECRET})
    one, two = lines_of(caplog.records, "parley.security")
    assert one["email_digest"] == two["email_digest"]
    assert "user_id" not in one
    assert "nobody" not in caplog.text.lower()


async def test_switched_off(app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
    """A disabled logger gets no lines, and requests are answered as before."""
    logging.getLogger("parley.security").setLevel(logging.CRITICAL)
    try:
        assert (await Scene(client, people, app).log_in()).status_code == 200
    finally:
        logging.getLogger("parley.security").setLevel(logging.NOTSET)
