"""Who may do what on every route of interviews, and in which order a request is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from attending import PAST
from fastapi import FastAPI

from parley_auth.testing import Account, an_account
from parley_core import Database, Document
from parley_interviews.testing import an_interview, create_interview

if TYPE_CHECKING:
    from conftest import Deployment, People

UNKNOWN_ID = "0" * 24
CALLERS = (
    "anonymous",
    "other candidate",
    "other interviewer",
    "other admin",
    "candidate",
    "interviewer",
    "admin",
)


@dataclass(frozen=True)
class Operation:
    """A request to one route; `{id}` and `{user}` stand for an interview and one of its participants."""

    method: str
    path: str
    body: dict[str, Any] | None = None

    @property
    def is_scoped(self) -> bool:
        return "{id}" in self.path

    def address(self, interview_id: str, user_id: str = UNKNOWN_ID) -> str:
        return "/v1" + self.path.format(id=interview_id, user=user_id)


INTERVIEW, PARTICIPANTS = "/interviews/{id}", "/interviews/{id}/participants"
OPERATIONS = {
    "create": Operation("POST", "/interviews", an_interview()),
    "list": Operation("GET", "/interviews"),
    "read": Operation("GET", INTERVIEW),
    "history": Operation("GET", f"{INTERVIEW}/history"),
    "participants": Operation("GET", PARTICIPANTS),
    "conflicts": Operation("GET", f"{INTERVIEW}/conflicts"),
    "schedule": Operation("GET", "/schedule"),
    "update": Operation("PATCH", INTERVIEW, {"title": "Other"}),
    "start": Operation("PATCH", f"{INTERVIEW}/status", {"status": "ongoing"}),
    "cancel": Operation("PATCH", f"{INTERVIEW}/status", {"status": "cancelled"}),
    "add": Operation("POST", PARTICIPANTS, {}),
    "remove": Operation("DELETE", f"{PARTICIPANTS}/{{user}}"),
    "attendance": Operation("GET", f"{INTERVIEW}/attendance"),
    "rsvp": Operation("PUT", f"{INTERVIEW}/rsvp", {"answer": "accepted", "schedule_version": 0}),
    "mark": Operation("PUT", f"{INTERVIEW}/attendance/{{user}}", {"attended": "present"}),
}
RESTRICTED = [name for name in OPERATIONS if name not in {"list", "schedule"}]
SCOPED = {name: operation for name, operation in OPERATIONS.items() if operation.is_scoped}

# The answers to CALLERS, in their order. P stands for permission_denied, N for not_a_participant.
P, N = "permission_denied", "not_a_participant"
TABLE: dict[str, tuple[int | str, ...]] = {
    "create": (401, P, P, 201, P, P, 201),
    "list": (401, 200, 200, 200, 200, 200, 200),
    "read": (401, N, N, 200, 200, 200, 200),
    "history": (401, N, N, 200, 200, 200, 200),
    "participants": (401, N, N, 200, 200, 200, 200),
    "conflicts": (401, N, N, 200, P, 200, 200),
    "schedule": (401, 200, 200, 200, 200, 200, 200),
    "update": (401, N, N, 200, P, P, 200),
    "start": (401, N, N, 200, P, 200, 200),
    "cancel": (401, N, N, 200, P, P, 200),
    "add": (401, N, N, 201, P, P, 201),
    "remove": (401, N, N, 204, P, P, 204),
    "attendance": (401, N, N, 200, 200, 200, 200),
    "rsvp": (401, N, N, N, 200, 200, 200),
    "mark": (401, N, N, 200, P, 200, 200),
}


class Row(NamedTuple):
    """What one caller is answered to one operation."""

    operation: str
    caller: str
    answer: int | str

    def __str__(self) -> str:
        return f"{self.operation}-{self.caller}-{self.answer}".replace(" ", "_")


ROWS = [Row(o, c, a) for o, answers in TABLE.items() for c, a in zip(CALLERS, answers, strict=True)]


async def account_of(app: FastAPI, people: People, caller: str) -> Account | None:
    """One of the interview's people, somebody else of a role, or nobody."""
    if caller == "anonymous":
        return None
    kind, _, role = caller.rpartition(" ")
    return await an_account(app, role) if kind else getattr(people, role)


async def stored(database: Database, interview: Mapping[str, Any]) -> Document | None:
    """Return the stored interview without its history, from which the relay removes what is in the log."""
    return await database["interviews"].find_one({"_id": interview["id"]}, {"history": False})


def code_of(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else None


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_table(app: FastAPI, client: httpx.AsyncClient, people: People, database: Database, row: Row) -> None:
    """Each row answers what it says, and a refused request changes nothing."""
    operation = OPERATIONS[row.operation]
    everybody = [people.admin, people.interviewer, people.candidate]
    interview = await create_interview(client, people.admin, *everybody, scheduled_at=PAST)
    newcomer = await an_account(app)
    account = await account_of(app, people, row.caller)
    before = await stored(database, interview)
    count = await database["interviews"].count_documents({})
    body = {"user_id": newcomer.id} if operation.body == {} else operation.body

    address = operation.address(interview["id"], people.candidate.id)
    headers = account.headers if account else {}
    answer = await client.request(operation.method, address, json=body, headers=headers)

    if isinstance(row.answer, str):
        assert code_of(answer) == (403, row.answer)
    else:
        assert answer.status_code == row.answer
    if answer.status_code >= 400:
        assert await stored(database, interview) == before
        assert await database["interviews"].count_documents({}) == count


class TestTheTable:
    async def test_covers_every_route(self, app: FastAPI) -> None:
        """Every route of interviews in the application is in the table."""
        paths = app.openapi()["paths"]
        own = {p: operations for p, operations in paths.items() if p.startswith(("/v1/interviews", "/v1/schedule"))}
        routes = {(m.upper(), p) for p, operations in own.items() for m in operations}
        tabled = {(o.method, o.address("{interview_id}", "{user_id}")) for o in OPERATIONS.values()}
        assert len(routes) == 14
        assert tabled == routes
        assert TABLE.keys() == OPERATIONS.keys()

    async def test_other_methods(self, client: httpx.AsyncClient, people: People) -> None:
        """Nothing deletes or replaces an interview: 405, with the methods that the address offers."""
        interview = await create_interview(client, people.admin)
        for method in ("DELETE", "PUT", "POST"):
            address = f"/v1/interviews/{interview['id']}"
            answer = await client.request(method, address, headers=people.admin.headers)
            assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, PATCH")


class TestOrder:
    """Each request has one fault and all that are checked later, and is answered with the first of them."""

    @pytest.mark.parametrize("name", OPERATIONS)
    async def test_identity_comes_first(self, client: httpx.AsyncClient, name: str) -> None:
        """Anonymous callers learn nothing, whatever they send."""
        operation = OPERATIONS[name]
        for interview_id in ("x", UNKNOWN_ID):
            for headers in ({}, {"Authorization": "Bearer x"}):
                address = operation.address(interview_id, "x") + "?unknown=1"
                json = {"Content-Type": "application/json"}
                answer = await client.request(operation.method, address, content=b"{", headers=headers | json)
                assert answer.status_code == 401
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("name", SCOPED)
    async def test_ids_come_second(self, client: httpx.AsyncClient, people: People, name: str) -> None:
        """A malformed id is reported before a missing interview, to every caller."""
        operation = SCOPED[name]
        for interview_id in ("x", UNKNOWN_ID[1:], UNKNOWN_ID + "0", "G" * 24, "ABCDEFABCDEFABCDEFABCDEF", "%00", "$ne"):
            address = operation.address(interview_id)
            answer = await client.request(operation.method, address, content=b"{", headers=people.candidate.headers)
            assert code_of(answer) == (400, "invalid_id"), interview_id

    @pytest.mark.parametrize("name", SCOPED)
    async def test_existence_comes_third(self, client: httpx.AsyncClient, people: People, name: str) -> None:
        """An interview that doesn't exist is reported before rights and bodies are checked."""
        operation = SCOPED[name]
        for account in (people.candidate, people.interviewer, people.admin):
            address = operation.address(UNKNOWN_ID)
            answer = await client.request(operation.method, address, content=b"{", headers=account.headers)
            assert code_of(answer) == (404, "interview_not_found")

    @pytest.mark.parametrize("name", RESTRICTED)
    async def test_rights_come_fourth(self, client: httpx.AsyncClient, people: People, name: str) -> None:
        """Membership and role are checked before the body and before the query."""
        operation = OPERATIONS[name]
        interview = await create_interview(client, people.admin, people.interviewer)
        expected = TABLE[name][CALLERS.index("other candidate")]
        address = operation.address(interview["id"]) + "?limit=x&unknown=1"
        answer = await client.request(operation.method, address, content=b"{", headers=people.candidate.headers)
        assert code_of(answer) == (403, expected)

    @pytest.mark.parametrize("name", OPERATIONS)
    async def test_bodies_come_before_rules(self, client: httpx.AsyncClient, people: People, name: str) -> None:
        """Malformed input is reported before a conflict with the interview's state."""
        operation = OPERATIONS[name]
        interview = await create_interview(client, people.admin, people.admin)
        address = f"/v1/interviews/{interview['id']}/status"
        await client.patch(address, json={"status": "cancelled"}, headers=people.admin.headers)
        json = {"Content-Type": "application/json"}
        address = operation.address(interview["id"])
        query = "" if operation.body is not None else "?unknown=1"
        answer = await client.request(
            operation.method, address + query, content=b"{", headers=people.admin.headers | json
        )
        lists = {"list", "history", "participants", "conflicts"}
        assert code_of(answer) == (400, "invalid_filter" if name in lists else "validation_error")


class TestHiddenExistence:
    @pytest.mark.parametrize("name", SCOPED)
    async def test_strangers_get_404(
        self, client: httpx.AsyncClient, people: People, deployment: Deployment, name: str
    ) -> None:
        """With PARLEY_HIDE_EXISTENCE an outsider's answer is that of an interview which doesn't exist."""
        operation = OPERATIONS[name]
        interview = await create_interview(client, people.admin)
        async with deployment.worker(hide_existence=True) as hiding:
            answers = []
            for interview_id in (interview["id"], UNKNOWN_ID):
                headers = people.interviewer.headers | {"X-Request-ID": "1"}
                address = operation.address(interview_id)
                answers.append(await hiding.request(operation.method, address, json=operation.body, headers=headers))
        assert {code_of(answer) for answer in answers} == {(404, "interview_not_found")}
        assert answers[0].content == answers[1].content


class TestFreshness:
    async def test_role_change_is_in_force_at_once(
        self, app: FastAPI, client: httpx.AsyncClient, people: People
    ) -> None:
        """The stored role decides: a former interviewer may not start an interview from their next request on."""
        interview = await create_interview(client, people.admin, people.interviewer)
        start = OPERATIONS["start"]
        address = start.address(interview["id"])
        for role, expected in (("candidate", (403, P)), ("interviewer", (200, None))):
            change = {"role": role}
            account = f"/v1/users/{people.interviewer.id}"
            assert (await client.patch(account, json=change, headers=people.admin.headers)).status_code == 200
            answer = await client.request(start.method, address, json=start.body, headers=people.interviewer.headers)
            assert code_of(answer) == expected

    async def test_hired_candidate(self, client: httpx.AsyncClient, people: People) -> None:
        """The relation decides: whoever is an interview's candidate can't start it, whatever their account becomes."""
        interview = await create_interview(client, people.admin, people.candidate)
        start = OPERATIONS["start"]
        address = start.address(interview["id"])
        for role in ("interviewer", "admin"):
            change = {"role": role}
            account = f"/v1/users/{people.candidate.id}"
            assert (await client.patch(account, json=change, headers=people.admin.headers)).status_code == 200
            answer = await client.request(start.method, address, json=start.body, headers=people.candidate.headers)
            assert code_of(answer) == (403, P)

    async def test_deactivation_is_in_force_at_once(self, client: httpx.AsyncClient, people: People) -> None:
        """A participant whose account is deactivated is unauthenticated from their next request on."""
        interview = await create_interview(client, people.admin, people.candidate)
        shut = {"active": False}
        await client.patch(f"/v1/users/{people.candidate.id}", json=shut, headers=people.admin.headers)
        answer = await client.get(f"/v1/interviews/{interview['id']}", headers=people.candidate.headers)
        assert code_of(answer) == (401, "invalid_token")
