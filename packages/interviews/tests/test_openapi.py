"""Each error code that the OpenAPI document names for a route of interviews is provoked; each route is documented."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from attending import PAST
from fastapi import FastAPI

from parley_auth.testing import an_account, an_api_key
from parley_core import Parley
from parley_core.testing import EndlessBody, MovableClock, impatient
from parley_interviews.testing import address_of, an_interview, bring_to, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

UNKNOWN_ID = "0" * 24
SENT_BEFORE = {"Idempotency-Key": "sent-before"}
Request = Mapping[str, Any]


class Stage:
    """An application with one interview of each kind, and what provokes each error in it."""

    def __init__(self, client: httpx.AsyncClient, strict: httpx.AsyncClient, app: FastAPI, people: People) -> None:
        self.client, self.strict, self.app, self.people = client, strict, app, people
        self.parley: Parley = app.state.parley
        self.open: Request = {}
        self.closed: Request = {}
        self.future: Request = {}
        self.crowded: Request = {}
        self.empty: Request = {}
        self.inactive_id = ""
        self.lost = f"ats:{people.admin.id}"
        self.creating: dict[str, str] = {}

    async def prepare(self) -> None:
        """Create an interview for each kind of refusal; one administrator is active."""
        admin, person = self.people.admin, self.people.candidate
        others = {"role": "admin", "_id": {"$ne": admin.id}}
        await self.parley.database["users"].update_many(others, {"$set": {"active": False}})
        self.open = await create_interview(self.client, admin, person, scheduled_at=PAST)
        self.future = await create_interview(self.client, admin, person)
        self.empty = await create_interview(self.client, admin)
        self.closed = await create_interview(self.client, admin, person)
        await bring_to(self.client, admin, self.closed["id"], "cancelled")
        crowd = [await an_account(self.app) for _ in range(100)]
        self.crowded = await create_interview(self.client, admin, *crowd)
        await create_interview(self.client, admin, crowd[0])
        self.inactive_id = (await an_account(self.app, active=False)).id
        await self.client.post("/v1/interviews", json=an_interview(), headers={**admin.headers, **SENT_BEFORE})
        lost = await create_interview(self.client, admin, external_id=self.lost)
        await self.parley.database["interviews"].delete_one({"_id": lost["id"]})
        self.creating = (await an_api_key(self.client, admin, "interviews:create")).headers


@pytest.fixture
async def stage(
    client: httpx.AsyncClient, app: FastAPI, people: People, deployment: Deployment
) -> AsyncIterator[Stage]:
    async with deployment.worker(assign_unverified=False) as strict:
        stage = Stage(client, strict, app, people)
        await stage.prepare()
        yield stage


# What changes in an operation's accepted request so that it meets the code.
Change = Callable[[Stage], Request]
BIG = b'{"title": "' + b"x" * 300_000 + b'"}'
JSON = {"Content-Type": "application/json"}
EVERYWHERE: dict[str, Change] = {
    "authentication_required": lambda _: {"headers": {}},
    "invalid_token": lambda _: {"headers": {"Authorization": "Bearer x"}},
    "validation_error": lambda _: {"query": "?unknown=1"},
}
OF_BODIES: dict[str, Change] = {
    "validation_error": lambda _: {"json": None, "content": b"{"},
    "unsupported_media_type": lambda _: {"json": None, "content": b"<a/>", "headers_too": {"Content-Type": "text/xml"}},
}
OF_PAGES: dict[str, Change] = {
    "validation_error": lambda _: {"query": "?limit=0"},
    "invalid_filter": lambda _: {"query": "?unknown=1"},
}
OF_SCOPE: dict[str, Change] = {
    "invalid_id": lambda _: {"interview": {"id": "x"}},
    "interview_not_found": lambda _: {"interview": {"id": UNKNOWN_ID}},
    "not_a_participant": lambda s: {"headers": s.people.interviewer.headers},
}
# To read is permitted to every role, but not to a key that names something else.
KEY: dict[str, Change] = {"permission_denied": lambda s: {"headers": s.creating}}
DENIED: dict[str, Change] = {"permission_denied": lambda s: {"headers": s.people.candidate.headers}}
CLOSED: dict[str, Change] = {"interview_closed": lambda s: {"interview": s.closed}}
RSVP: dict[str, Any] = {"answer": "accepted", "schedule_version": 0}
STALE: dict[str, Change] = {"precondition_failed": lambda _: {"headers_too": {"If-Match": '"0-"'}}}


def named(**assignment: str) -> dict[str, Any]:
    """Return the body that adds a user, or that creates an interview with them."""
    return {"json": assignment, "participants": [assignment]}


OF_PEOPLE: dict[str, Change] = {
    "user_not_found": lambda _: named(user_id=UNKNOWN_ID),
    "inactive_user": lambda s: named(user_id=s.inactive_id),
    "invalid_participant_role": lambda s: named(user_id=s.people.candidate.id, participant_role="interviewer"),
    "last_admin": lambda s: named(user_id=s.people.admin.id, participant_role="candidate"),
    "unverified_email": lambda s: named(user_email=s.people.interviewer.user.email) | {"client": s.strict},
}

# operation id -> the accepted request, and what provokes each code
OPERATIONS: dict[str, tuple[Callable[[Stage], Request], dict[str, Change]]] = {
    "create_interview": (
        lambda _: {"method": "POST", "json": an_interview()},
        {
            **EVERYWHERE,
            **OF_BODIES,
            "permission_denied": lambda s: {"headers": s.people.interviewer.headers},
            **OF_PEOPLE,
            "duplicate_participant": lambda s: {"participants": [{"user_id": s.people.candidate.id}] * 2},
            "idempotency_key_reused": lambda _: {"json": an_interview(title="Other"), "headers_too": SENT_BEFORE},
            "interview_not_found": lambda s: {"json": an_interview(external_id=s.lost)},
            "schedule_conflict": lambda s: {
                "json": an_interview(participants=[{"user_id": s.people.candidate.id}], on_conflict="refuse")
            },
        },
    ),
    "list_interviews": (
        lambda _: {},
        {
            **EVERYWHERE,
            **OF_PAGES,
            **KEY,
            "invalid_sort": lambda _: {"query": "?sort=x"},
            "invalid_cursor": lambda _: {"query": "?cursor=x"},
        },
    ),
    "read_interview": (lambda _: {"rest": ""}, {**EVERYWHERE, **OF_SCOPE, **KEY}),
    "update_interview": (
        lambda _: {"method": "PATCH", "rest": "", "json": {"title": "Other"}},
        {
            **EVERYWHERE,
            **OF_BODIES,
            **OF_SCOPE,
            **DENIED,
            **CLOSED,
            **STALE,
            "duplicate_external_id": lambda s: {"json": {"external_id": s.lost}},
            "schedule_conflict": lambda s: {
                "interview": s.crowded,
                "json": {"duration_minutes": 61, "on_conflict": "refuse"},
            },
        },
    ),
    "change_status": (
        lambda _: {"method": "PATCH", "rest": "/status", "json": {"status": "ongoing"}},
        {
            **EVERYWHERE,
            **OF_BODIES,
            **OF_SCOPE,
            **DENIED,
            **STALE,
            "invalid_transition": lambda s: {"interview": s.closed},
        },
    ),
    "read_history": (lambda _: {"rest": "/history"}, {**EVERYWHERE, **OF_PAGES, **OF_SCOPE, **KEY}),
    "list_conflicts": (
        lambda _: {"rest": "/conflicts"},
        {**EVERYWHERE, **OF_PAGES, **OF_SCOPE, **DENIED},
    ),
    "read_schedule": (
        lambda s: {"path": "/v1/schedule", "query": f"?user_id={s.people.admin.id}"},
        {
            **EVERYWHERE,
            **DENIED,
            "user_not_found": lambda _: {"query": f"?user_id={UNKNOWN_ID}"},
        },
    ),
    "list_participants": (
        lambda _: {"rest": "/participants"},
        {**EVERYWHERE, **OF_PAGES, **OF_SCOPE, **KEY, "invalid_cursor": lambda _: {"query": "?cursor=x"}},
    ),
    "add_participant": (
        lambda s: {"method": "POST", "rest": "/participants", "json": {"user_id": s.people.interviewer.id}},
        {
            **EVERYWHERE,
            **OF_BODIES,
            **OF_SCOPE,
            **DENIED,
            **CLOSED,
            **OF_PEOPLE,
            "duplicate_participant": lambda s: {"json": {"user_id": s.people.candidate.id}},
            "too_many_participants": lambda s: {"interview": s.crowded},
            "schedule_conflict": lambda s: {
                "interview": s.empty,
                "json": {"user_id": s.people.candidate.id, "on_conflict": "refuse"},
            },
        },
    ),
    "remove_participant": (
        lambda s: {"method": "DELETE", "rest": f"/participants/{s.people.candidate.id}"},
        {
            **EVERYWHERE,
            **OF_SCOPE,
            **DENIED,
            **CLOSED,
            "participant_not_found": lambda s: {"rest": f"/participants/{s.people.admin.id}"},
        },
    ),
    "answer_invitation": (
        lambda s: {"method": "PUT", "rest": "/rsvp", "json": RSVP, "headers": s.people.candidate.headers},
        {
            **EVERYWHERE,
            **OF_BODIES,
            **OF_SCOPE,
            **CLOSED,
            "schedule_changed": lambda _: {"json": RSVP | {"schedule_version": 1}},
        },
    ),
    "read_attendance": (lambda _: {"rest": "/attendance"}, {**EVERYWHERE, **OF_SCOPE, **KEY}),
    "mark_attendance": (
        lambda s: {"method": "PUT", "rest": f"/attendance/{s.people.candidate.id}", "json": {"attended": "present"}},
        {
            **EVERYWHERE,
            **OF_BODIES,
            **OF_SCOPE,
            **DENIED,
            **CLOSED,
            "too_early": lambda s: {"interview": s.future},
            "participant_not_found": lambda s: {"rest": f"/attendance/{s.people.admin.id}"},
        },
    ),
}


async def send(stage: Stage, operation: str, change: Change = lambda _: {}) -> httpx.Response:
    """An operation's accepted request, changed."""
    given: dict[str, Any] = {
        "path": "/v1/interviews",
        "method": "GET",
        "interview": stage.open,
        "headers": stage.people.admin.headers,
        "json": None,
    }
    given |= {**OPERATIONS[operation][0](stage), **change(stage)}
    if operation == "create_interview" and "participants" in given:
        given["json"] = an_interview(participants=given["participants"])
    rest = given.get("rest")
    address = given["path"] if rest is None else address_of(given["interview"]) + rest
    headers = {**(JSON if "content" in given else {}), **given["headers"], **given.get("headers_too", {})}
    client: httpx.AsyncClient = given.get("client", stage.client)
    return await client.request(
        given["method"],
        address + given.get("query", ""),
        json=given["json"],
        content=given.get("content"),
        headers=headers,
    )


def documented(app: FastAPI) -> dict[str, tuple[dict[str, Any], dict[int, set[str]]]]:
    """Operation id -> the operation, and its codes by status."""
    found = {}
    for path, operations in app.openapi()["paths"].items():
        for operation in operations.values() if path.startswith(("/v1/interviews", "/v1/schedule")) else ():
            problems = {
                int(status): set(answer["content"]["application/problem+json"]["examples"])
                for status, answer in operation["responses"].items()
                if int(status) >= 400 and "$ref" not in answer
            }
            found[operation["operationId"]] = (operation, problems)
    return found


class TestCodes:
    @pytest.mark.parametrize("operation", OPERATIONS)
    async def test_each_is_provoked(self, stage: Stage, clock: MovableClock, operation: str) -> None:
        """Every documented code of an operation answers a request, with the status under which it is documented."""
        met: dict[int, set[str]] = {}
        for code, change in OPERATIONS[operation][1].items():
            answer = await send(stage, operation, change)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["code"] == code, answer.text
            met.setdefault(answer.status_code, set()).add(code)
        accepted, others = await send(stage, operation), list[httpx.Response]()
        assert accepted.is_success, accepted.text
        if accepted.request.method != "GET":
            large = await send(stage, operation, lambda _: {"json": None, "content": BIG})
            with impatient(stage.app):
                late = await send(stage, operation, lambda _: {"json": None, "content": EndlessBody()})
            others = [large, late]

        stage.parley.request_timeout_seconds, usual = 1e-6, stage.parley.request_timeout_seconds
        unavailable = await send(stage, operation)
        stage.parley.request_timeout_seconds = usual
        clock.move(timedelta(minutes=11))
        expired = await send(stage, operation)
        for answer in (*others, unavailable, expired):
            met.setdefault(answer.status_code, set()).add(answer.json()["code"])
        assert met == documented(stage.app)[operation][1]

    async def test_every_operation_is_here(self, app: FastAPI) -> None:
        """The table contains every operation in the OpenAPI document."""
        assert OPERATIONS.keys() == documented(app).keys()


class TestDocument:
    async def test_operations(self, app: FastAPI) -> None:
        """Every operation has a summary, a description, its path parameters and examples, and no 422."""
        for operation, problems in documented(app).values():
            assert operation["summary"]
            assert operation["description"]
            assert 422 not in problems
            if body := operation.get("requestBody"):
                [content] = body["content"].values()
                schema = app.openapi()["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
                examples = schema.get("examples") or [p for p in schema["properties"].values() if "examples" in p]
                assert examples

    async def test_paths_name_their_parameters(self, app: FastAPI) -> None:
        """Every parameter in a path is documented."""
        for path, operations in app.openapi()["paths"].items():
            for operation in operations.values():
                named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
                assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}

    async def test_examples_are_accepted(self, client: httpx.AsyncClient, app: FastAPI, people: People) -> None:
        """The example of a new interview creates one, once its participant exists."""
        schema = app.openapi()["components"]["schemas"]["InterviewCreate"]
        [example] = schema["examples"]
        await an_account(app, email="ada@example.com")
        answer = await client.post("/v1/interviews", json=example, headers=people.admin.headers)
        assert answer.status_code == 201, answer.text
