"""PARLEY_HIDE_EXISTENCE: an interview that a caller may not know of is answered like none, after the same work."""

import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI
from ranks import rank_z

from parley_app import create_app
from parley_auth.security_log import log_security_event
from parley_auth.testing import Account, an_api_key, auth_settings
from parley_core import new_id
from parley_core.kernel.settings import CoreSettings
from parley_core.log.relay import Relay
from parley_core.testing.log_lines import lines_of
from parley_interviews.testing import address_of, create_interview

COUNT = rounds(80, full=1000)
# Few measurements on a busy machine show only a larger difference.
MORE_LINES = rounds(10, full=1)
# Beyond it p < 0.01; a difference is looked for in two clocks, which plain nox must not meet by chance.
LIMIT = 2.576 if rounds(0, full=1000) == COUNT else 3.9
ROUTES: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "cached": ("GET", "", None),
    "cached list": ("GET", "/messages", None),
    "not cached": ("GET", "/history", None),
    "stream": ("GET", "/messages/stream", None),
    "write": ("POST", "/messages", {"content": "Hello"}),
    "write with a broken body": ("PATCH", "", {"surprise": 1}),
    "write for administrators": ("POST", "/participants", {"user_id": "f" * 24}),
}


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    return create_app([core_settings, auth_settings(hide_existence=True)])


@pytest.fixture
async def interview_id(client: httpx.AsyncClient, admin: Account, interviewer: Account) -> str:
    """An interview in which one interviewer takes part."""
    return str((await create_interview(client, admin, interviewer))["id"])


class Observer:
    """Finds out what answering a request takes."""

    def __init__(self, app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
        self._relay = app.state.parley.require(Relay)
        self._database = app.state.parley.database
        self._caplog = caplog

    async def of(self, request: Callable[[], Awaitable[httpx.Response]]) -> dict[str, Any]:
        """Return a request's answer, what MongoDB was asked for by it, and what it logged."""
        await self._relay.drain()
        await self._database["system.profile"].drop()
        self._caplog.clear()
        await self._database.command("profile", 2)
        try:
            answer = await request()
        finally:
            await self._database.command("profile", 0)
        return {
            "answer": (answer.status_code, answer.content, sorted(answer.headers.items())),
            "commands": await self._commands(),
            "lines": [_shape(record) for record in self._caplog.records if record.name.startswith("parley")],
        }

    async def _commands(self) -> Counter[tuple[str, str]]:
        done = await self._database["system.profile"].find().to_list()
        looked_at = {f"{self._database.name}.{name}" for name in ("users", "interviews", "messages", "message_logs")}
        # The relay looks once a second for events that nobody has brought into the log.
        own = [entry for entry in done if "history.0.rev" not in entry["command"].get("filter", {})]
        return Counter((entry["op"], entry["ns"]) for entry in own if entry["ns"] in looked_at)


def _shape(record: logging.LogRecord) -> tuple[str, str, object]:
    """Return the logger and level of a line, and what it says, without what tells one request from another."""
    if record.name != "parley.security":
        return record.name, record.levelname, getattr(record.msg, "event", record.msg)
    [line] = lines_of([record], record.name)
    assert line.pop("event") in {"access_denied", "resource_missing"}
    return record.name, record.levelname, line | {"at": "", "message": ""}


@pytest.fixture
def observer(app: FastAPI, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> Observer:
    del client  # it keeps the application running
    caplog.set_level(logging.INFO)
    return Observer(app, caplog)


@pytest.mark.parametrize("route", ROUTES)
async def test_same_work(
    observer: Observer, client: httpx.AsyncClient, interview_id: str, candidate: Account, route: str
) -> None:
    """A stranger's request takes the same reads, log lines and decision whether the interview exists or not."""
    method, rest, body = ROUTES[route]
    headers = candidate.headers | {"X-Request-ID": "same"}
    requests = [
        partial(client.request, method, f"/v1/interviews/{one}{rest}", json=body, headers=headers)
        for one in (interview_id, new_id())
    ]
    hidden, missing = [await observer.of(request) for request in requests]
    assert hidden == missing
    assert hidden["answer"][0] == 404
    # Account and interview are one command, and so is what it isn't yet known whether it is needed: the head of a log.
    assert sum(hidden["commands"].values()) == 1
    [security, _] = hidden["lines"]
    assert security[2]["verdict"] == "not_a_participant"


@pytest.mark.attack
@pytest.mark.chaos
async def test_same_time(client: httpx.AsyncClient, interview_id: str, candidate: Account) -> None:
    """Ranks of the times of hidden and missing interviews don't differ; one more log line shows, in plain nox ten."""
    nowhere = new_id()

    async def refuse(one: str) -> None:
        answer = await client.get(f"/v1/interviews/{one}", headers=candidate.headers)
        assert answer.status_code == 404

    async def refuse_and_log() -> None:
        await refuse(nowhere)
        for _ in range(MORE_LINES):
            log_security_event("resource_missing", "request", user_id=candidate.id, role="candidate", actions="none")

    works: dict[str, Callable[[], Awaitable[None]]] = {
        "hidden": lambda: refuse(interview_id),
        "missing": lambda: refuse(nowhere),
        "more lines": refuse_and_log,
    }
    series = [await times_of(works) for _ in range(3)]
    logging.getLogger(__name__).warning("%s", [(z_of(one, "hidden"), z_of(one, "more lines")) for one in series])
    assert sum(z_of(one, "hidden") < LIMIT for one in series) >= 2
    together = {kind: [time for one in series for time in one[kind]] for kind in works}
    assert z_of(together, "more lines") > LIMIT


Times = list[tuple[float, float]]


async def times_of(works: Mapping[str, Callable[[], Awaitable[None]]]) -> dict[str, Times]:
    """Return how long each kind took, each time in a new order, so that neither order nor drift favours one."""
    times: dict[str, Times] = {kind: [] for kind in works}
    for _ in range(COUNT):
        for kind in random.sample(list(works), len(works)):
            began = time.perf_counter(), time.thread_time()
            await works[kind]()
            times[kind].append((time.perf_counter() - began[0], time.thread_time() - began[1]))
    return times


def z_of(times: Mapping[str, Times], kind: str) -> float:
    """Return how far a kind lies from the missing ones, by the clock or by the processor's time on a busy machine."""
    clocks = (([one[clock] for one in times[kind]], [one[clock] for one in times["missing"]]) for clock in (0, 1))
    return max(abs(rank_z(*samples)) for samples in clocks)


MESSAGES = "/messages"


class TestThoseWhoKnow:
    """Who sees an interview anyway is not answered that there is none."""

    async def test_administrators(self, client: httpx.AsyncClient, interview_id: str, admin: Account) -> None:
        """An administrator who reads an interview learns why its messages are closed to them."""
        address = f"/v1/interviews/{interview_id}"
        assert (await client.get(address, headers=admin.headers)).status_code == 200
        for rest in (MESSAGES, f"{MESSAGES}/stream"):
            answer = await client.get(address + rest, headers=admin.headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_a_participant")
        missing = await client.get(f"/v1/interviews/{new_id()}{MESSAGES}", headers=admin.headers)
        assert (missing.status_code, missing.json()["code"]) == (404, "interview_not_found")

    async def test_document(self, app: FastAPI) -> None:
        """The OpenAPI document lists the code where administrators can get it, and nowhere else."""
        paths = app.openapi()["paths"]
        listed = {
            path
            for path in ("", MESSAGES)
            if "not_a_participant" in str(paths[f"/v1/interviews/{{interview_id}}{path}"]["get"])
        }
        assert listed == {MESSAGES}

    @pytest.mark.parametrize(
        ("action", "expected"),
        [
            ("interviews:read", [(200, None), (403, "not_a_participant")]),
            ("interviews:update", [(403, "permission_denied"), (403, "not_a_participant")]),
            ("interviews:list", [(403, "permission_denied"), (403, "not_a_participant")]),
            ("interviews:create", [(403, "permission_denied"), (403, "not_a_participant")]),
            ("users:list", [(404, "interview_not_found")] * 2),
        ],
    )
    async def test_keys(
        self, client: httpx.AsyncClient, interview_id: str, admin: Account, action: str, expected: list[object]
    ) -> None:
        """A key knows what its actions show; one for something else can't find out which interviews exist."""
        key, address = await an_api_key(client, admin, action), f"/v1/interviews/{interview_id}"
        answers = [await client.get(address + rest, headers=key.headers) for rest in ("", MESSAGES)]
        assert [(a.status_code, a.json().get("code")) for a in answers] == expected

    async def test_keys_of_participants(self, client: httpx.AsyncClient, admin: Account) -> None:
        """A key takes part in nothing, so an interview of its creator's is hidden from it like any other."""
        interview = await create_interview(client, admin, admin)
        key = await an_api_key(client, admin, "users:list")
        answer = await client.get(address_of(interview), headers=key.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "interview_not_found")

    async def test_former_participants(
        self, client: httpx.AsyncClient, interview_id: str, admin: Account, interviewer: Account, candidate: Account
    ) -> None:
        """Who was removed is an outsider like everybody else."""
        participants = f"/v1/interviews/{interview_id}/participants"
        await client.post(participants, json={"user_id": candidate.id}, headers=admin.headers)
        await client.delete(f"{participants}/{interviewer.id}", headers=admin.headers)
        answer = await client.get(f"/v1/interviews/{interview_id}", headers=interviewer.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "interview_not_found")
