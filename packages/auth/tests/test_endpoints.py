"""Every operation of auth: who may do it, and which errors it answers with."""

import asyncio
import itertools
import json
import os
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from counts import rounds
from fastapi import FastAPI
from hypothesis import strategies as st

import parley_auth.plugin
from parley_auth.keys.models import MAX_KEYS
from parley_auth.links.models import LinkToken
from parley_auth.testing import (
    PASSWORD,
    Account,
    People,
    an_account,
    an_api_key,
    auth_settings,
    open_session,
    roles_plugin,
    some_people,
)
from parley_auth.tokens.refresh_tokens import RefreshToken
from parley_core import Parley, new_id
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import EndlessBody, MovableClock, an_application, impatient, running_client

TEAM = roles_plugin("interviewer", registers="candidate")
NEW = {"email": "{new}", "password": PASSWORD}
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "register": ("POST", "/v1/auth/register", {"json": NEW}),
    "log_in": ("POST", "/v1/auth/login", {"json": {"email": "{email}", "password": PASSWORD}}),
    "issue_token": (
        "POST",
        "/v1/auth/token",
        {"data": {"grant_type": "password", "username": "{email}", "password": PASSWORD}},
    ),
    "refresh": ("POST", "/v1/auth/refresh", {"json": {"refresh_token": "{refresh_token}"}}),
    "accept_link": ("POST", "/v1/auth/accept", {"json": {"token": "{link}", "password": PASSWORD}}),
    "log_out": ("POST", "/v1/auth/logout", {}),
    "log_out_everywhere": ("POST", "/v1/auth/logout-all", {}),
    "list_sessions": ("GET", "/v1/auth/sessions", {}),
    "end_session": ("DELETE", "/v1/auth/sessions/{session_id}", {}),
    "read_keys": ("GET", "/.well-known/jwks.json", {}),
    "read_account": ("GET", "/v1/users/me", {}),
    "update_account": ("PATCH", "/v1/users/me", {"json": {"name": "Ada King"}}),
    "change_password": (
        "POST",
        "/v1/users/me/password",
        {"json": {"current_password": PASSWORD, "new_password": "ten blue bottles"}},
    ),
    "list_users": ("GET", "/v1/users", {}),
    "create_user": ("POST", "/v1/users", {"json": NEW | {"role": "admin"}}),
    "read_user": ("GET", "/v1/users/{user_id}", {}),
    "update_user": ("PATCH", "/v1/users/{user_id}", {"json": {"role": "interviewer"}}),
    "create_link": ("POST", "/v1/users/{user_id}/link", {"json": {"purpose": "reset"}}),
    "end_user_sessions": ("POST", "/v1/users/{user_id}/logout-all", {}),
    "read_user_history": ("GET", "/v1/users/{user_id}/history", {}),
    "create_api_key": ("POST", "/v1/api-keys", {"json": {"name": "A script", "actions": ["users:list"]}}),
    "list_api_keys": ("GET", "/v1/api-keys", {}),
    "revoke_api_key": ("DELETE", "/v1/api-keys/{key_id}", {}),
    "read_system": ("GET", "/v1/system", {}),
    "read_policy": ("GET", "/v1/system/policy", {}),
}
"""operationId: method, path, and a request that succeeds where it may; a link is one that was never issued."""

REFUSALS = {401: ("authentication_required", "authentication"), 403: ("permission_denied", "authorization")}
CALLERS = ("anonymous", "candidate", "interviewer", "admin")
ACCESS = {
    "register": (201, 201, 201, 201),
    "log_in": (200, 200, 200, 200),
    "issue_token": (200, 200, 200, 200),
    "refresh": (200, 200, 200, 200),
    "accept_link": (400, 400, 400, 400),
    "log_out": (401, 204, 204, 204),
    "log_out_everywhere": (401, 204, 204, 204),
    "list_sessions": (401, 200, 200, 200),
    "end_session": (401, 204, 404, 404),
    "read_keys": (200, 200, 200, 200),
    "read_account": (401, 200, 200, 200),
    "update_account": (401, 200, 200, 200),
    "change_password": (401, 204, 204, 204),
    "list_users": (401, 403, 403, 200),
    "create_user": (401, 403, 403, 201),
    "read_user": (401, 403, 403, 200),
    "update_user": (401, 403, 403, 200),
    "create_link": (401, 403, 403, 201),
    "end_user_sessions": (401, 403, 403, 204),
    "read_user_history": (401, 403, 403, 200),
    "create_api_key": (401, 403, 403, 201),
    "list_api_keys": (401, 403, 403, 200),
    "revoke_api_key": (401, 403, 403, 404),
    "read_system": (401, 403, 403, 200),
    "read_policy": (401, 403, 403, 200),
}
_numbers = itertools.count(1)


def request_of(operation: str, people: People, **changes: Any) -> dict[str, Any]:
    """Return a request as `httpx` takes it; it is about the candidate's account."""
    method, path, body = OPERATIONS[operation]
    kind, content = next(iter(body.items()), ("json", None))
    if isinstance(content, dict):
        filled = (_filled(value, people.candidate) if isinstance(value, str) else value for value in content.values())
        body = {kind: dict(zip(content, filled, strict=True))}
    return {"method": method, "url": _filled(path, people.candidate), **body, **changes}


def _filled(text: str, account: Account) -> str:
    """Return a text with an account's details in place of its placeholders."""
    session = RefreshToken.parse(account.refresh_token)
    assert session
    details = {
        "{email}": account.user.email,
        "{new}": f"new-{next(_numbers)}@example.com",
        "{user_id}": account.id,
        "{session_id}": session.session_id,
        "{key_id}": session.session_id,  # no key's
        "{refresh_token}": account.refresh_token,
        "{link}": LinkToken.new(account.id).text,
    }
    for place, detail in details.items():
        text = text.replace(place, detail)
    return text


class TestAccess:
    @pytest.mark.parametrize("operation", ACCESS)
    async def test_rows(
        self, app: FastAPI, client: httpx.AsyncClient, operation: str, subtests: pytest.Subtests
    ) -> None:
        """A permitted caller gets an answer; any other gets 401 or 403, changes nothing and learns no e-mail."""
        users = app.state.parley.database.users
        for caller, status in zip(CALLERS, ACCESS[operation], strict=True):
            with subtests.test(f"{caller}-{status}"):
                people = await some_people(app, password=PASSWORD)
                before = await users.find({}, {"history": False}).to_list()
                answer = await client.request(**request_of(operation, people, headers=people.headers_of(caller)))
                assert answer.status_code == status
                if status in REFUSALS:
                    assert (answer.json()["code"], answer.json()["category"]) == REFUSALS[status]
                    assert "@" not in answer.text
                    assert await users.find({}, {"history": False}).to_list() == before

    @pytest.mark.usefixtures("client")
    async def test_table_is_complete(self, app: FastAPI) -> None:
        """Each documented operation has its row, and each row an operation."""
        documented = {
            (operation["operationId"], method.upper(), path)
            for path, operations in app.openapi()["paths"].items()
            for method, operation in operations.items()
            if not path.endswith("z")  # core's own, /healthz and /readyz
        }
        assert documented == {(name, method, path) for name, (method, path, _) in OPERATIONS.items()}
        assert ACCESS.keys() == OPERATIONS.keys()


def documented_errors(app: FastAPI) -> dict[str, set[tuple[int, str]]]:
    """Return the statuses and codes that the documentation lists for each operation."""
    return {
        operation["operationId"]: {
            (int(status), code)
            for status, answer in operation["responses"].items()
            for code in answer.get("content", {}).get("application/problem+json", {}).get("examples", ())
        }
        for operations in app.openapi()["paths"].values()
        for operation in operations.values()
    }


class Scene:
    """An operation, and ways to provoke each error of auth."""

    def __init__(self, operation: str, client: httpx.AsyncClient, people: People, app: FastAPI) -> None:
        self.operation = operation
        self.client = client
        self.people = people
        self.app = app
        self.parley: Parley = app.state.parley
        self.users = self.parley.database.users
        self.clock: MovableClock = app.state.parley.clock

    async def send(self, **changes: Any) -> httpx.Response:
        request = request_of(self.operation, self.people, headers=dict(self.people.admin.headers))
        request["headers"] |= changes.pop("headers", {})
        return await self.client.request(**request | changes)

    async def send_json(self, **changes: Any) -> httpx.Response:
        return await self.send(json=request_of(self.operation, self.people)["json"] | changes)

    async def without_token(self) -> httpx.Response:
        return await self.client.request(**request_of(self.operation, self.people))

    async def refresh(self, token: str) -> httpx.Response:
        if self.operation == "issue_token":
            return await self.send(data={"grant_type": "refresh_token", "refresh_token": token})
        return await self.send_json(refresh_token=token)

    async def with_nonsense(self) -> httpx.Response:
        if self.operation in {"refresh", "issue_token"}:
            return await self.refresh("nonsense")
        return await self.send(headers={"Authorization": "Bearer nonsense"})

    async def with_old_token(self) -> httpx.Response:
        self.clock.move(timedelta(minutes=11))
        return await self.send()

    async def with_other_key(self) -> httpx.Response:
        action = "users:read" if self.operation == "list_users" else "users:list"
        key = await an_api_key(self.client, self.people.admin, action)
        return await self.send(headers=key.headers)

    async def with_unknown_parameter(self) -> httpx.Response:
        return await self.send(params={"surprise": 1})

    async def with_invalid_value(self) -> httpx.Response:
        return await self.send(params={"limit": 0})

    async def with_large_body(self) -> httpx.Response:
        return await self.send(json=None, data=None, content=b"a" * 300_000, headers=await self._content_type())

    async def with_body_that_never_ends(self) -> httpx.Response:
        with impatient(self.app):
            return await self.send(json=None, data=None, content=EndlessBody(), headers=await self._content_type())

    async def with_other_body(self) -> httpx.Response:
        return await self.send(content=b"<name/>", headers={"Content-Type": "application/xml"}, json=None)

    async def _content_type(self) -> dict[str, str]:
        is_form = "data" in request_of(self.operation, self.people)
        return {"Content-Type": "application/x-www-form-urlencoded" if is_form else "application/json"}

    async def with_malformed_id(self) -> httpx.Response:
        return await self._with_id("zzz")

    async def with_unknown_id(self) -> httpx.Response:
        return await self._with_id(new_id())

    async def _with_id(self, one: str) -> httpx.Response:
        return await self.send(url=re.sub(r"{\w+}", one, OPERATIONS[self.operation][1]))

    async def with_spent_token(self) -> httpx.Response:
        spent = await open_session(self.parley, self.people.candidate.user)
        await self.refresh(spent.text)
        return await self.refresh(spent.text)

    async def beside_another(self) -> httpx.Response:
        spent = await open_session(self.parley, self.people.candidate.user)
        answers = await asyncio.gather(*(self.refresh(spent.text) for _ in range(2)))
        return max(answers, key=lambda answer: answer.status_code)

    async def too_often(self) -> httpx.Response:
        if self.operation == "register":
            return await self._from_busy_network()
        for _ in range(6):
            await self.with_wrong_password()
        return await self.with_wrong_password()

    async def _from_busy_network(self) -> httpx.Response:
        counter = {"_id": "203.0.113.9", "blocked_until": self.clock() + timedelta(minutes=1)}
        await self.parley.database.registration_counts.insert_one(counter)
        transport = httpx.ASGITransport(self.app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url=self.client.base_url) as client:
            return await client.request(**request_of(self.operation, self.people))

    async def with_taken_email(self) -> httpx.Response:
        return await self.send_json(email=self.people.interviewer.user.email)

    async def with_weak_password(self) -> httpx.Response:
        field = "new_password" if self.operation == "change_password" else "password"
        if self.operation == "accept_link":
            return await self.with_weak_password_and_link()
        return await self.send_json(**{field: "12345678"})

    async def with_weak_password_and_link(self) -> httpx.Response:
        link = f"/v1/users/{self.people.candidate.id}/link"
        answer = await self.client.post(link, json={"purpose": "reset"}, headers=self.people.admin.headers)
        return await self.send_json(token=answer.json()["token"], password="12345678")

    async def with_wrong_password(self) -> httpx.Response:
        if self.operation == "issue_token":
            form = {"grant_type": "password", "username": "ada@example.com", "password": "wrong"}
            return await self.send(data=form)
        return await self.send_json(**{"current_password" if self.operation == "change_password" else "password": "x"})

    async def with_dead_link(self) -> httpx.Response:
        return await self.send()

    async def on_inactive_account(self) -> httpx.Response:
        inactive = await an_account(self.app, active=False)
        return await self.send(url=OPERATIONS[self.operation][1].replace("{user_id}", inactive.id))

    async def on_invited_account(self) -> httpx.Response:
        invited = await an_account(self.app, invited=True)
        return await self.send(url=OPERATIONS[self.operation][1].replace("{user_id}", invited.id))

    async def with_other_purpose(self) -> httpx.Response:
        return await self.send_json(purpose="invitation")

    async def on_last_admin(self) -> httpx.Response:
        return await self.send(url=f"/v1/users/{self.people.admin.id}")

    async def with_fifty_keys(self) -> httpx.Response:
        for _ in range(MAX_KEYS):
            await self.send()
        return await self.send()

    async def with_strange_order(self) -> httpx.Response:
        return await self.send(params={"sort": "password_hash"})

    async def with_strange_cursor(self) -> httpx.Response:
        return await self.send(params={"cursor": "x"})


PROVOCATIONS: dict[str, Callable[[Scene], Awaitable[httpx.Response]]] = {
    "authentication_required": Scene.without_token,
    "invalid_token": Scene.with_nonsense,
    "permission_denied": Scene.with_other_key,
    "validation_error": Scene.with_invalid_value,
    "payload_too_large": Scene.with_large_body,
    "request_timeout": Scene.with_body_that_never_ends,
    "unsupported_media_type": Scene.with_other_body,
    "invalid_id": Scene.with_malformed_id,
    "invalid_filter": Scene.with_unknown_parameter,
    "invalid_sort": Scene.with_strange_order,
    "invalid_cursor": Scene.with_strange_cursor,
    "user_not_found": Scene.with_unknown_id,
    "duplicate_email": Scene.with_taken_email,
    "weak_password": Scene.with_weak_password,
    "invalid_credentials": Scene.with_wrong_password,
    "wrong_password": Scene.with_wrong_password,
    "last_admin": Scene.on_last_admin,
    "invalid_link": Scene.with_dead_link,
    "inactive_user": Scene.on_inactive_account,
    "no_password": Scene.on_invited_account,
    "password_exists": Scene.with_other_purpose,
    "session_not_found": Scene.with_unknown_id,
    "key_not_found": Scene.with_unknown_id,
    "too_many_keys": Scene.with_fifty_keys,
    "refresh_in_progress": Scene.beside_another,
    "refresh_reused": Scene.with_spent_token,
    "rate_limited": Scene.too_often,
    "token_expired": Scene.with_old_token,
}
ELSEWHERE = {"registration_closed", "unavailable"}
"""Codes that take another application or another database; each has a test of its own."""


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "email",
        "password",
        "name",
        "role",
        "active",
        "current_password",
        "new_password",
        "refresh_token",
        "token",
        "purpose",
        "username",
        "actions",
        "expires_in_days",
        "$set",
        "_id",
    ]
)


@pytest.mark.attack
class TestAnyInput:
    @hypothesis.settings(
        deadline=None,
        max_examples=rounds(15, full=60),
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )
    @hypothesis.given(body=ANYTHING | st.dictionaries(FIELDS, ANYTHING, max_size=4))
    async def test_is_answered(self, client: httpx.AsyncClient, people: People, canaries: Any, body: Any) -> None:
        """Any JSON that is sent to any operation gets a documented answer and no 5xx."""
        for operation, (_, _, sent) in OPERATIONS.items():
            if "json" in sent:
                request = request_of(operation, people, headers=people.admin.headers)
                request |= {"json": None, "content": json.dumps(body)}
                request["headers"] = people.admin.headers | {"Content-Type": "application/json"}
                answer = await client.request(**request)
                assert answer.status_code < 500, (operation, body)
        # A random password may be part of a random name, which is answered.
        canaries.secrets = {secret for secret in canaries.secrets if secret in people.admin.headers["Authorization"]}


class TestErrors:
    @pytest.mark.parametrize("operation", OPERATIONS)
    async def test_documented_ones_happen(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        people: People,
        operation: str,
        subtests: pytest.Subtests,
    ) -> None:
        """Every documented error of an operation can be provoked."""
        scene = Scene(operation, client, people, app)
        order = list(PROVOCATIONS)  # an expired token comes last: the clock doesn't go back
        promised = {(status, code) for status, code in documented_errors(app)[operation] if code not in ELSEWHERE}
        for status, code in sorted(promised, key=lambda pair: order.index(pair[1])):
            with subtests.test(code):
                answer = await PROVOCATIONS[code](scene)
                assert (answer.status_code, answer.json()["code"]) == (status, code)

    @pytest.mark.parametrize("operation", [name for name, (_, path, _) in OPERATIONS.items() if "{user_id}" in path])
    async def test_those_of_its_kind_are_documented(
        self, app: FastAPI, client: httpx.AsyncClient, people: People, operation: str
    ) -> None:
        """An operation with an account's id documents `invalid_id` and `user_not_found`."""
        scene = Scene(operation, client, people, app)
        codes = {(await scene.with_malformed_id()).json()["code"], (await scene.with_unknown_id()).json()["code"]}
        assert codes <= {code for _, code in documented_errors(app)[operation]}
        assert codes <= {"invalid_id", "user_not_found"}

    @pytest.mark.usefixtures("client")
    async def test_those_provoked_elsewhere(self, app: FastAPI) -> None:
        """`registration_closed` belongs to one operation (test_accounts.py), and `unavailable` to all."""
        documented = documented_errors(app)
        assert {name for name, codes in documented.items() if (403, "registration_closed") in codes} == {"register"}
        assert {name for name, codes in documented.items() if (503, "unavailable") in codes} >= OPERATIONS.keys()

    async def test_database_away(
        self, frozen_settings: tuple[CoreSettings, EmbeddedMongoDB], subtests: pytest.Subtests
    ) -> None:
        """While MongoDB doesn't answer, every operation gets 503 in time, and works again afterwards."""
        settings, server = frozen_settings
        app = an_application([settings, auth_settings()], [parley_auth.plugin, TEAM])
        async with running_client(app) as client:
            people = await some_people(app, password=PASSWORD)
            asking = OPERATIONS.keys() - {"read_keys"}  # which needs no database
            requests = {name: request_of(name, people, headers=people.admin.headers) for name in asking}
            os.kill(server.pid, signal.SIGSTOP)
            try:
                sent = [client.request(**request) for request in requests.values()]
                answers = await asyncio.wait_for(asyncio.gather(*sent), timeout=5.5)
            finally:
                os.kill(server.pid, signal.SIGCONT)
            for name, answer in zip(requests, answers, strict=True):
                with subtests.test(name):
                    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                    assert int(answer.headers["Retry-After"]) > 0
            assert (await client.request(**requests["read_account"])).status_code == 200


@pytest.fixture
def frozen_settings(tmp_path: Path) -> Iterator[tuple[CoreSettings, EmbeddedMongoDB]]:
    """Settings with a timeout of half a second, and a MongoDB of this test's own that can be stopped."""
    with EmbeddedMongoDB.start(tmp_path) as server:
        settings = CoreSettings.model_validate({"mongodb_uri": server.uri, "request_timeout_seconds": 0.5})
        yield settings, server
