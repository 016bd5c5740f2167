"""A valid request of each operation of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from parley_auth.testing import PASSWORD, Account, an_account, an_api_key
from parley_core import new_id
from parley_interviews.testing import an_interview, create_interview

NEW_PASSWORD = "ten blue bottles hanging"


@dataclass(frozen=True)
class Call:
    """A request of an operation.

    Args:
        caller: who sends it; None is nobody.
        body: what is sent, as JSON.
        form: what is sent, as a form.
        ids: the values in the path.
    """

    caller: Account | None = None
    body: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    ids: Mapping[str, str] = field(default_factory=dict)


def operations_of(app: FastAPI) -> list[str]:
    """Return every operation of the OpenAPI document, such as `GET /v1/users`."""
    return [f"{method.upper()} {path}" for path, item in app.openapi()["paths"].items() for method in item]


async def valid_calls(app: FastAPI, client: httpx.AsyncClient, url: str) -> dict[str, Call]:
    """Return a valid request of each operation, on new accounts and things: those that change one don't meet.

    Args:
        app: the running application.
        client: a client of it.
        url: where webhooks deliver to.
    """
    admin = await an_account(app, "admin")
    me, leaver, everywhere, ended, spender, changer = [
        await an_account(app, "interviewer", password=PASSWORD) for _ in range(6)
    ]
    target, removed, added = [await an_account(app, "candidate") for _ in range(3)]
    read, patched, moved, grown, shrunk = [
        {"interview_id": str((await create_interview(client, admin, me, removed))["id"])} for _ in range(5)
    ]
    past = await create_interview(client, admin, removed, scheduled_at="2020-01-01T09:30:00Z")
    begun = {"interview_id": str(past["id"])}

    async def created(address: str, **body: Any) -> Any:
        answer = await client.post(address, json=body, headers=admin.headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    kept, deleted = [
        {"webhook_id": (await created("/v1/webhooks", url=url, types=["user.created"]))["id"]} for _ in range(2)
    ]
    [session] = (await client.get("/v1/auth/sessions", headers=ended.headers)).json()["items"]
    link = await created(f"/v1/users/{target.id}/link", purpose="reset")
    key = await an_api_key(client, admin, "users:list")
    feeds = [await created("/v1/calendar/feeds") for _ in range(2)]
    token = feeds[0]["url"].rpartition("/")[2].removesuffix(".ics")
    user = {"user_id": target.id}
    login = {"grant_type": "password", "username": me.user.email, "password": PASSWORD}
    return {
        "GET /": Call(),
        "GET /healthz": Call(),
        "GET /readyz": Call(),
        "GET /.well-known/jwks.json": Call(),
        "GET /v1/users": Call(admin),
        "POST /v1/users": Call(admin, {"email": f"{new_id()}@example.com", "role": "candidate"}),
        "GET /v1/users/me": Call(me),
        "PATCH /v1/users/me": Call(me, {"name": "Ada King"}),
        "POST /v1/users/me/password": Call(changer, {"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
        "GET /v1/users/{user_id}": Call(admin, ids=user),
        "PATCH /v1/users/{user_id}": Call(admin, {"name": "Grace"}, ids=user),
        "GET /v1/users/{user_id}/history": Call(admin, ids=user),
        "POST /v1/users/{user_id}/logout-all": Call(admin, ids=user),
        "POST /v1/users/{user_id}/link": Call(admin, {"purpose": "reset"}, ids={"user_id": added.id}),
        "POST /v1/auth/login": Call(None, {"email": me.user.email, "password": PASSWORD}),
        "POST /v1/auth/token": Call(None, form=login),
        "POST /v1/auth/refresh": Call(None, {"refresh_token": spender.refresh_token}),
        "POST /v1/auth/logout": Call(leaver),
        "POST /v1/auth/logout-all": Call(everywhere),
        "GET /v1/auth/sessions": Call(me),
        "DELETE /v1/auth/sessions/{session_id}": Call(ended, ids={"session_id": session["id"]}),
        "POST /v1/auth/register": Call(None, {"email": f"{new_id()}@example.com", "password": PASSWORD}),
        "POST /v1/auth/accept": Call(None, {"token": link["token"], "password": PASSWORD}),
        "POST /v1/api-keys": Call(admin, {"name": "A script", "actions": ["users:list"]}),
        "GET /v1/api-keys": Call(admin),
        "DELETE /v1/api-keys/{key_id}": Call(admin, ids={"key_id": key.id}),
        "GET /v1/system": Call(admin),
        "GET /v1/system/policy": Call(admin),
        "POST /v1/interviews": Call(admin, an_interview()),
        "GET /v1/interviews": Call(me),
        "GET /v1/interviews/{interview_id}": Call(me, ids=read),
        "PATCH /v1/interviews/{interview_id}": Call(admin, {"title": "Engineer"}, ids=patched),
        "PATCH /v1/interviews/{interview_id}/status": Call(admin, {"status": "ongoing"}, ids=moved),
        "GET /v1/interviews/{interview_id}/history": Call(admin, ids=read),
        "GET /v1/interviews/{interview_id}/participants": Call(me, ids=read),
        "POST /v1/interviews/{interview_id}/participants": Call(admin, {"user_id": added.id}, ids=grown),
        "DELETE /v1/interviews/{interview_id}/participants/{user_id}": Call(
            admin, ids={**shrunk, "user_id": removed.id}
        ),
        "GET /v1/interviews/{interview_id}/conflicts": Call(admin, ids=read),
        "GET /v1/schedule": Call(me),
        "PUT /v1/interviews/{interview_id}/rsvp": Call(me, {"answer": "accepted", "schedule_version": 0}, ids=read),
        "GET /v1/interviews/{interview_id}/attendance": Call(me, ids=read),
        "PUT /v1/interviews/{interview_id}/attendance/{user_id}": Call(
            admin, {"attended": "present"}, ids={**begun, "user_id": removed.id}
        ),
        "POST /v1/interviews/{interview_id}/messages": Call(me, {"content": "Hello"}, ids=read),
        "GET /v1/interviews/{interview_id}/messages": Call(me, ids=read),
        "GET /v1/interviews/{interview_id}/messages/stream": Call(me, ids=read),
        "GET /v1/interviews/{interview_id}/calendar.ics": Call(me, ids=read),
        "POST /v1/calendar/feeds": Call(me, {"name": "Phone"}),
        "GET /v1/calendar/feeds": Call(me),
        "GET /v1/calendar/feeds/{token}.ics": Call(ids={"token": token}),
        "DELETE /v1/calendar/feeds/{feed_id}": Call(admin, ids={"feed_id": feeds[1]["id"]}),
        "GET /v1/events": Call(admin),
        "GET /v1/events/types": Call(admin),
        "GET /v1/events/stream": Call(admin),
        "POST /v1/webhooks": Call(admin, {"url": url, "types": ["user.created"]}),
        "GET /v1/webhooks": Call(admin),
        "GET /v1/webhooks/{webhook_id}": Call(admin, ids=kept),
        "PATCH /v1/webhooks/{webhook_id}": Call(admin, {"types": ["user.updated"]}, ids=kept),
        "DELETE /v1/webhooks/{webhook_id}": Call(admin, ids=deleted),
        "POST /v1/webhooks/{webhook_id}/secret": Call(admin, ids=kept),
        "POST /v1/webhooks/{webhook_id}/resume": Call(admin, ids=kept),
        "GET /v1/webhooks/{webhook_id}/attempts": Call(admin, ids=kept),
        "POST /v1/webhooks/{webhook_id}/ping": Call(admin, ids=kept),
        "POST /v1/webhooks/{webhook_id}/attempts/{position}/resend": Call(admin, ids={**kept, "position": "1"}),
    }
