"""Role x relation x state x action: every row of the interview scope, executed over HTTP.

The table below is written out by hand and knows nothing of the rules in the code. A line of it is what callers get for
one action: the roles of their accounts, as what they take part, and the outcome in each of the four states.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from pymongo import MongoClient

from parley_app import create_app
from parley_auth import OUTSIDER, PolicyTable
from parley_auth.testing import Account, an_account, auth_settings
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_interviews.testing import address_of, an_interview, bring_to

STATES = ("scheduled", "ongoing", "completed", "cancelled")
ROLES = ("admin", "interviewer", "candidate")
RELATIONS = (OUTSIDER, "interviewer", "candidate")
OUTCOMES = {
    "yes": (True, None),
    "hidden": (True, "hidden"),
    "no": (403, "permission_denied"),
    "stranger": (403, "not_a_participant"),
    "closed": (400, "interview_closed"),
    "illegal": (400, "invalid_transition"),
}
# action | role/relation of the callers, `*` for every role | outcomes: scheduled, ongoing, completed, cancelled
MATRIX = """
interviews:read          | admin/outsider */interviewer */candidate                | yes yes yes yes
interviews:read          | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

interviews:read_internal | admin/outsider admin/interviewer                        | yes yes yes yes
interviews:read_internal | interviewer/interviewer                                 | yes yes yes yes
interviews:read_internal | candidate/interviewer */candidate                       | hidden hidden hidden hidden
interviews:read_internal | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

interviews:update        | admin/outsider admin/interviewer                        | yes yes closed closed
interviews:update        | interviewer/interviewer candidate/interviewer           | no no no no
interviews:update        | */candidate                                             | no no no no
interviews:update        | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

interviews:start         | admin/outsider admin/interviewer                        | yes illegal illegal illegal
interviews:start         | interviewer/interviewer                                 | yes illegal illegal illegal
interviews:start         | candidate/interviewer */candidate                       | no no no no
interviews:start         | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

interviews:complete      | admin/outsider admin/interviewer                        | illegal yes illegal illegal
interviews:complete      | interviewer/interviewer                                 | illegal yes illegal illegal
interviews:complete      | candidate/interviewer */candidate                       | no no no no
interviews:complete      | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

interviews:cancel        | admin/outsider admin/interviewer                        | yes illegal illegal illegal
interviews:cancel        | interviewer/interviewer candidate/interviewer           | no no no no
interviews:cancel        | */candidate                                             | no no no no
interviews:cancel        | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

participants:add         | admin/outsider admin/interviewer                        | yes yes closed closed
participants:add         | interviewer/interviewer candidate/interviewer           | no no no no
participants:add         | */candidate                                             | no no no no
participants:add         | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

participants:remove      | admin/outsider admin/interviewer                        | yes yes closed closed
participants:remove      | interviewer/interviewer candidate/interviewer           | no no no no
participants:remove      | */candidate                                             | no no no no
participants:remove      | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

schedule:read_conflicts  | admin/outsider admin/interviewer                        | yes yes yes yes
schedule:read_conflicts  | interviewer/interviewer                                 | yes yes yes yes
schedule:read_conflicts  | candidate/interviewer */candidate                       | no no no no
schedule:read_conflicts  | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

attendance:read          | admin/outsider */interviewer */candidate                | yes yes yes yes
attendance:read          | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

attendance:answer        | */interviewer */candidate                               | yes yes closed closed
attendance:answer        | */outsider                                              | stranger stranger stranger stranger

attendance:mark          | admin/outsider admin/interviewer                        | yes yes yes closed
attendance:mark          | interviewer/interviewer                                 | yes yes yes closed
attendance:mark          | candidate/interviewer */candidate                       | no no no no
attendance:mark          | interviewer/outsider candidate/outsider                 | stranger stranger stranger stranger

attendance:mark_interviewers | admin/outsider admin/interviewer                    | yes yes yes closed
attendance:mark_interviewers | interviewer/interviewer candidate/interviewer       | no no no no
attendance:mark_interviewers | */candidate                                         | no no no no
attendance:mark_interviewers | interviewer/outsider candidate/outsider             | stranger stranger stranger stranger

messages:read            | */interviewer */candidate                               | yes yes yes yes
messages:read            | */outsider                                              | stranger stranger stranger stranger

messages:post            | */interviewer */candidate                               | yes yes closed closed
messages:post            | */outsider                                              | stranger stranger stranger stranger
"""


class Row(NamedTuple):
    """One caller, one action, one state, and what they get."""

    action: str
    role: str
    relation: str
    state: str
    outcome: str

    def __str__(self) -> str:
        return f"{self.action}-{self.role}-as-{self.relation}-{self.state}-{self.outcome}"


def rows_of(matrix: str) -> Iterator[Row]:
    for line in filter(None, matrix.splitlines()):
        action, callers, outcomes = (part.strip() for part in line.split("|"))
        for caller in callers.split():
            role, relation = caller.split("/")
            for one in ROLES if role == "*" else [role]:
                for state, outcome in zip(STATES, outcomes.split(), strict=True):
                    yield Row(action, one, relation, state, outcome)


ROWS = list(rows_of(MATRIX))
ACTIONS = list(dict.fromkeys(row.action for row in ROWS))


@dataclass
class Stage:
    """One application, a caller for each role and relation, and interviews with each of them in each state."""

    app: FastAPI
    client: httpx.AsyncClient
    admin: Account
    bystander: Account
    colleague: Account
    callers: dict[tuple[str, str], Account] = field(default_factory=dict)
    interviews: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    async def prepare(self) -> None:
        """Create the callers; who is an interviewer with a candidate's account was an employee once."""
        for role in ROLES:
            for relation in RELATIONS:
                once = "interviewer" if (role, relation) == ("candidate", "interviewer") else role
                self.callers[role, relation] = await an_account(self.app, once)

    async def interview_of(self, row: Row) -> dict[str, Any]:
        """Return an interview for a row: one of its own for whoever may change it."""
        if row.outcome == "yes" and row.action in CHANGING:
            return await self._created(row)
        kind = row.role, row.relation, row.state
        if kind not in self.interviews:
            self.interviews[kind] = await self._created(row)
        return self.interviews[kind]

    async def _created(self, row: Row) -> dict[str, Any]:
        caller, named = self.callers[row.role, row.relation], _named(self.bystander, self.colleague)
        if row.relation != OUTSIDER:
            named.append({"user_id": caller.id, "participant_role": row.relation})
        if (row.role, row.relation) == ("candidate", "interviewer"):
            await self._give_role(caller, "interviewer")
        body = an_interview(notes="Weak on indexes", participants=named, scheduled_at="2020-01-01T09:30:00Z")
        created = await self.client.post("/v1/interviews", json=body, headers=self.admin.headers)
        assert created.status_code == 201, created.text
        await bring_to(self.client, self.admin, created.json()["id"], row.state)
        await self._give_role(caller, row.role)
        return dict(created.json())

    async def _give_role(self, account: Account, role: str) -> None:
        address = f"/v1/users/{account.id}"
        answer = await self.client.patch(address, json={"role": role}, headers=self.admin.headers)
        assert answer.json()["role"] == role

    async def send(self, row: Row, method: str, rest: str = "", body: object = None) -> httpx.Response:
        """Send a caller's request to an interview of theirs."""
        address = address_of(await self.interview_of(row)) + rest
        return await self.client.request(
            method, address, json=body, headers=self.callers[row.role, row.relation].headers
        )


def _named(*accounts: Account) -> list[dict[str, str]]:
    return [{"user_id": account.id} for account in accounts]


async def read(stage: Stage, row: Row) -> httpx.Response:
    """Read all that every reader may, and return the last answer, which is what the others were."""
    answers = [await stage.send(row, "GET", rest) for rest in ("", "/participants", "/history")]
    assert len({answer.status_code for answer in answers}) == 1
    return answers[0]


async def add(stage: Stage, row: Row) -> httpx.Response:
    return await stage.send(row, "POST", "/participants", {"user_id": (await an_account(stage.app, "candidate")).id})


def sending(method: str, rest: str = "", body: object = None) -> Callable[[Stage, Row], Awaitable[httpx.Response]]:
    return lambda stage, row: stage.send(row, method, rest, body)


async def remove(stage: Stage, row: Row) -> httpx.Response:
    return await stage.send(row, "DELETE", f"/participants/{stage.bystander.id}")


async def mark(stage: Stage, row: Row) -> httpx.Response:
    return await stage.send(row, "PUT", f"/attendance/{stage.bystander.id}", {"attended": "present"})


async def mark_interviewer(stage: Stage, row: Row) -> httpx.Response:
    return await stage.send(row, "PUT", f"/attendance/{stage.colleague.id}", {"attended": "present"})


DOING: dict[str, Callable[[Stage, Row], Awaitable[httpx.Response]]] = {
    "interviews:read": read,
    "interviews:read_internal": sending("GET"),
    "interviews:update": sending("PATCH", "", {"title": "Other"}),
    "interviews:start": sending("PATCH", "/status", {"status": "ongoing"}),
    "interviews:complete": sending("PATCH", "/status", {"status": "completed"}),
    "interviews:cancel": sending("PATCH", "/status", {"status": "cancelled"}),
    "participants:add": add,
    "participants:remove": remove,
    "schedule:read_conflicts": sending("GET", "/conflicts"),
    "attendance:read": sending("GET", "/attendance"),
    "attendance:answer": sending("PUT", "/rsvp", {"answer": "accepted", "schedule_version": 0}),
    "attendance:mark": mark,
    "attendance:mark_interviewers": mark_interviewer,
    "messages:read": sending("GET", "/messages"),
    "messages:post": sending("POST", "/messages", {"content": "Hello"}),
}
# These actions change what a later row is answered to the same interview.
CHANGING = {
    action for action in DOING if not action.startswith(("interviews:read", "schedule:", "messages:", "attendance:"))
}


@pytest.fixture(scope="module")
async def stage(mongodb_uri: str) -> AsyncIterator[Stage]:
    name = f"test_{uuid.uuid4().hex[:20]}"
    app = create_app([CoreSettings(mongodb_uri=mongodb_uri, mongodb_database=name), auth_settings()])  # type: ignore[arg-type]
    async with running_client(app) as client:
        admin, bystander, colleague = [await an_account(app, role) for role in ("admin", "candidate", "interviewer")]
        stage = Stage(app, client, admin, bystander, colleague)
        await stage.prepare()
        yield stage
    with MongoClient[dict[str, object]](mongodb_uri) as mongodb:
        mongodb.drop_database(name)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_row(stage: Stage, row: Row) -> None:
    """A caller with this role and relation gets this outcome for this action in this state."""
    answer = await DOING[row.action](stage, row)
    expected, code = OUTCOMES[row.outcome]
    if expected is True:
        assert answer.is_success, answer.text
        if row.action == "interviews:read_internal":
            assert answer.json()["notes"] == ("Weak on indexes" if code is None else None)
    else:
        assert (answer.status_code, answer.json()["code"]) == (expected, code)


class TestTheTable:
    def test_each_row_once(self) -> None:
        """The table has every role, relation, state and action exactly once."""
        rows = [row[:4] for row in ROWS]
        every = {(a, role, rel, s) for a in ACTIONS for role in ROLES for rel in RELATIONS for s in STATES}
        assert len(rows) == len(set(rows))
        assert set(rows) == every

    async def test_each_action(self, stage: Stage) -> None:
        """No action of the scope is missing, whatever package declares it, and each one is executed."""
        rules = stage.app.state.parley.require(PolicyTable).rules
        assert {rule.action for rule in rules if rule.scope == "interview"} == set(ACTIONS) == DOING.keys()

    async def test_the_policy_says_the_same(self, stage: Stage) -> None:
        """The composed table, which `parley policy` prints, permits what the rows permit and nothing else."""
        policy = stage.app.state.parley.require(PolicyTable)
        for row in ROWS:
            permitted = policy.permits(row.action, row.role, relation=row.relation, state=row.state)
            assert permitted is (row.outcome == "yes"), row
