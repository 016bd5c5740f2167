"""Who may do what on every route of webhooks, and each error code that the OpenAPI document names for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
from fastapi import FastAPI

from parley_auth.testing import an_account
from parley_core import new_id
from parley_core.testing import EndlessBody, impatient

if TYPE_CHECKING:
    from conftest import Stage

    from parley_webhooks.settings import WebhooksSettings

UNKNOWN_ID = "0" * 24
URL = "https://127.0.0.1:9/hooks"


@dataclass(frozen=True)
class Operation:
    """A request that an administrator is answered with a 2xx."""

    method: str
    path: str
    status: int
    body: dict[str, Any] | None = None


ONE = "/{id}"
OPERATIONS = {
    "create_webhook": Operation("POST", "", 201, {"url": URL}),
    "list_webhooks": Operation("GET", "", 200),
    "read_webhook": Operation("GET", ONE, 200),
    "update_webhook": Operation("PATCH", ONE, 200, {"types": ["sample.made"]}),
    "delete_webhook": Operation("DELETE", ONE, 204),
    "rotate_webhook_secret": Operation("POST", f"{ONE}/secret", 200),
    "ping_webhook": Operation("POST", f"{ONE}/ping", 200),
    "resume_webhook": Operation("POST", f"{ONE}/resume", 200),
    "list_webhook_attempts": Operation("GET", f"{ONE}/attempts", 200),
    "resend_event": Operation("POST", f"{ONE}/attempts/1/resend", 200),
}


async def send(stage: Stage, operation: Operation, webhook_id: str, **changes: Any) -> httpx.Response:
    """Send an operation's request, changed."""
    given: dict[str, Any] = {"json": operation.body, "headers": stage.headers, "path": operation.path} | changes
    address = "/v1/webhooks" + given.pop("path").replace("{id}", webhook_id) + given.pop("query", "")
    return await stage.client.request(operation.method, address, **given)


async def test_who_may_do_what(stage: Stage) -> None:
    """Administrators may do all of it, everybody else nothing, whatever they send and whether the webhook exists."""
    webhook = await stage.create(URL, types=["sample.made"])
    callers = {role: (await an_account(stage.app, role)).headers for role in ("interviewer", "candidate")}
    for name, operation in OPERATIONS.items():
        for webhook_id in (webhook["id"], UNKNOWN_ID):
            for body in (operation.body, {"broken": True}):
                answer = await send(stage, operation, webhook_id, headers={}, json=body)
                assert (answer.status_code, answer.json()["code"]) == (401, "authentication_required"), name
                for role, headers in callers.items():
                    answer = await send(stage, operation, webhook_id, headers=headers, json=body)
                    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), (name, role)
    found = await stage.read(webhook)
    assert (found["rev"], (await stage.request("GET")).json()["total"], await stage.attempts(webhook)) == (1, 1, [])


def documented(app: FastAPI) -> dict[str, dict[int, set[str]]]:
    """Operation id -> its error codes by status."""
    return {
        operation["operationId"]: {
            int(status): set(answer["content"]["application/problem+json"]["examples"])
            for status, answer in operation["responses"].items()
            if int(status) >= 400 and "$ref" not in answer
        }
        for path, operations in app.openapi()["paths"].items()
        if path.startswith("/v1/webhooks")
        for operation in operations.values()
    }


# What changes in an operation's accepted request so that it meets the code.
Change = Callable[["Stage"], Mapping[str, Any]]
JSON = {"Content-Type": "application/json"}
EVERYWHERE: dict[str, Change] = {
    "authentication_required": lambda _: {"headers": {}},
    "invalid_token": lambda _: {"headers": {"Authorization": "Bearer x"}},
    "validation_error": lambda _: {"query": "?unknown=1"},
}
BIG = b'{"url": "' + b"x" * 300_000 + b'"}'
OF_BODIES: dict[str, Change] = {
    "unsupported_media_type": lambda s: {
        "json": None,
        "content": b"<a/>",
        "headers": {**s.headers, "Content-Type": "text/xml"},
    },
}
OF_URLS: dict[str, Change] = {
    "unknown_event_type": lambda _: {"json": {"url": URL, "types": ["x.y"]}},
    "webhook_url_refused": lambda _: {"json": {"url": "http://127.0.0.1"}},
}
OF_PAGES: dict[str, Change] = {
    "validation_error": lambda _: {"query": "?limit=0"},
    "invalid_filter": lambda _: {"query": "?unknown=1"},
    "invalid_cursor": lambda _: {"query": "?cursor=x"},
}
OF_ONE: dict[str, Change] = {
    "invalid_id": lambda _: {"webhook_id": "x"},
    "webhook_not_found": lambda _: {"webhook_id": new_id()},
}
CODES: dict[str, dict[str, Change]] = {
    "create_webhook": {**EVERYWHERE, **OF_BODIES, **OF_URLS},
    "list_webhooks": {**EVERYWHERE, **OF_PAGES},
    "read_webhook": {**EVERYWHERE, **OF_ONE},
    "update_webhook": {**EVERYWHERE, **OF_BODIES, **OF_URLS, **OF_ONE},
    "delete_webhook": {**EVERYWHERE, **OF_ONE},
    "rotate_webhook_secret": {**EVERYWHERE, **OF_ONE},
    "ping_webhook": {**EVERYWHERE, **OF_ONE},
    "resume_webhook": {**EVERYWHERE, **OF_ONE},
    "list_webhook_attempts": {**EVERYWHERE, **OF_PAGES, **OF_ONE},
    "resend_event": {
        **EVERYWHERE,
        **OF_ONE,
        "event_not_found": lambda _: {"path": f"{ONE}/attempts/999999/resend"},
    },
}


OF_WRITES = {408: {"request_timeout"}, 413: {"payload_too_large"}}


class TestCodes:
    async def test_each_is_provoked(self, stage: Stage) -> None:
        """Every documented code of an operation answers a request, with the status that is documented."""
        met: dict[str, dict[int, set[str]]] = {name: {} for name in OPERATIONS}
        webhook = await stage.create(URL)
        candidate = await an_account(stage.app, "candidate")

        async def meet(name: str, expected: str, **changes: Any) -> None:
            answer = await send(stage, OPERATIONS[name], changes.pop("webhook_id", webhook["id"]), **changes)
            assert answer.json()["code"] == expected, (name, answer.text)
            met[name].setdefault(answer.status_code, set()).add(expected)

        async def meet_all(names: Iterable[str], expected: str, **changes: Any) -> None:
            for name in names:
                await meet(name, expected, **changes)

        for name, changes in CODES.items():
            for code, change in changes.items():
                await meet(name, code, **change(stage))
        await meet_all(CODES, "permission_denied", headers=candidate.headers)
        stage.parley.request_timeout_seconds, usual = 1e-6, stage.parley.request_timeout_seconds
        await meet_all(CODES, "unavailable")
        stage.parley.request_timeout_seconds = usual
        for _ in range(9):
            await stage.create(URL)
        await meet("create_webhook", "too_many_webhooks")
        stage.clock.move(timedelta(minutes=11))
        await meet_all(CODES, "token_expired")
        # These need a server without a key; see TestWithoutKey.
        for name in WITHOUT_KEY:
            met[name][400].add("webhooks_not_configured")
        assert met == {
            name: {status: codes for status, codes in found.items() if status not in OF_WRITES}
            for name, found in documented(stage.app).items()
        }

    async def test_of_bodies(self, stage: Stage) -> None:
        """Whatever may have a body answers one that is too large, and one that doesn't end."""
        typed, webhook = {**stage.headers, **JSON}, await stage.create(URL)
        for name, operation in OPERATIONS.items():
            if operation.method == "GET":
                continue
            large = await send(stage, operation, webhook["id"], json=None, content=BIG, headers=typed)
            with impatient(stage.app):
                late = await send(stage, operation, webhook["id"], json=None, content=EndlessBody(), headers=typed)
            met = {answer.status_code: {answer.json()["code"]} for answer in (large, late)}
            assert met == OF_WRITES
            assert met.items() <= documented(stage.app)[name].items()

    async def test_they_are_accepted(self, stage: Stage) -> None:
        """Negative control: the unchanged requests are accepted."""
        for name, operation in OPERATIONS.items():
            webhook = await stage.create(URL)
            answer = await send(stage, operation, webhook["id"])
            assert answer.status_code == operation.status, (name, answer.text)
            await stage.request("DELETE", f"/{webhook['id']}")


WITHOUT_KEY = {
    "create_webhook": {"url": URL},
    "rotate_webhook_secret": None,
    "ping_webhook": None,
    "resend_event": None,
}


class TestWithoutKey:
    async def test_it_is_said(self, stage: Stage, settings: WebhooksSettings) -> None:
        """Once the key is gone, what needs it says so, and everything else works."""
        webhook = await stage.create(URL)
        stage.settings = [s for s in stage.settings if s is not settings]
        stage.settings.append(settings.model_copy(update={"webhooks_key": None}))
        async with stage.another_worker() as client:
            for name, body in WITHOUT_KEY.items():
                operation = OPERATIONS[name]
                address = "/v1/webhooks" + operation.path.replace("{id}", webhook["id"])
                answer = await client.request(operation.method, address, json=body, headers=stage.headers)
                assert (answer.status_code, answer.json()["code"]) == (400, "webhooks_not_configured"), name
            assert (await client.get(f"/v1/webhooks/{webhook['id']}", headers=stage.headers)).status_code == 200
            assert (await client.delete(f"/v1/webhooks/{webhook['id']}", headers=stage.headers)).status_code == 204
