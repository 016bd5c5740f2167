"""Which answers wait until everything is published: those of writes that have changed nothing."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, Response
from starlette.requests import HTTPConnection

from parley_core import Actor, CollectionIndexes, Event, EventType, ParleyDep, Router, insert_recorded
from parley_core.errors import AuthenticationError, BusinessRuleError, Unavailable
from parley_core.http.schemas import Body, WholeNumber
from parley_core.kernel.settings import CoreSettings
from parley_core.log.catching_up import CatchUp
from parley_core.testing import NOON, a_plugin, an_application, running_client

CHANGED = EventType("note.changed", "Somebody changed a note.")


class Unknown(AuthenticationError):
    code = "unknown_caller"
    title = "Say who you are"


class Closed(BusinessRuleError):
    code = "closed"
    title = "It is closed"


class Open:
    """A gate that lets those in who have a key."""

    async def __call__(self, connection: HTTPConnection) -> None:
        await self.admit(connection)

    async def admit(self, connection: HTTPConnection) -> None:
        """Raise for the others."""
        if "x-key" not in connection.headers:
            raise Unknown

    def sees_inside(self, _: object) -> bool:
        """Return True: nobody asks."""
        return True


class Change(Body):
    """What the endpoint does."""

    status: WholeNumber = 200
    writes: bool = False


router = Router(prefix="/notes", tag="notes")
GATE = Annotated[None, Depends(Open())]


async def change(parley: ParleyDep, body: Change, response: Response) -> int:
    if body.writes:
        event = Event(type=CHANGED, at=NOON, actor=Actor(None, "system", "test"))
        await insert_recorded(parley.database["notes"], {"_id": "1"}, event)
    if body.status >= 400:
        raise Closed if body.status == 400 else Unavailable
    response.status_code = body.status
    return 1


@router.patch("", summary="Change")
async def change_as_somebody(_gate: GATE, parley: ParleyDep, body: Change, response: Response) -> int:
    return await change(parley, body, response)


@router.post("/public", summary="Change")
async def change_as_anybody(parley: ParleyDep, body: Change, response: Response) -> int:
    return await change(parley, body, response)


@router.get("", summary="List")
async def show(_gate: GATE) -> int:
    return 1


@pytest.fixture
async def client(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    plugin = a_plugin(
        "notes",
        parley_events=[CHANGED],
        parley_indexes=[CollectionIndexes("notes", (), recorded=True)],
        parley_routers=[router],
    )
    async with running_client(an_application([core_settings], [plugin])) as client:
        yield client


@pytest.fixture
def caught_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each time that something catches up."""
    times, run = [], CatchUp.run

    async def noting(catch_up: CatchUp) -> None:
        times.append("once")
        await run(catch_up)

    monkeypatch.setattr(CatchUp, "run", noting)
    return times


KEY = {"x-key": "1"}


@pytest.mark.parametrize("body", [{}, {"status": 204}, {"status": 400}, {"status": 400, "writes": True}], ids=str)
async def test_nothing_changed(client: httpx.AsyncClient, caught_up: list[str], body: dict[str, int]) -> None:
    """What an endpoint finds done, or refuses by what it has read, is answered once everything is published."""
    answer = await client.patch("/v1/notes", json=body, headers=KEY)
    assert (answer.status_code, caught_up) == (body.get("status", 200), ["once"])


@pytest.mark.parametrize("body", [{"writes": True}, {"writes": True, "status": 204}, {"status": 201}], ids=str)
async def test_changed(client: httpx.AsyncClient, caught_up: list[str], body: dict[str, int]) -> None:
    """A recorded write, and an answer that says that something is new, pay nothing."""
    answer = await client.patch("/v1/notes", json=body, headers=KEY)
    assert (answer.status_code, caught_up) == (body.get("status", 200), [])


async def test_before_the_endpoint(client: httpx.AsyncClient, caught_up: list[str]) -> None:
    """Refusals of guards, wrong bodies and unknown parameters say nothing of what is stored, nor does an outage."""
    answers = [
        await client.patch("/v1/notes", json={}),
        await client.patch("/v1/notes", json={"status": "x"}, headers=KEY),
        await client.patch("/v1/notes?x=1", json={}, headers=KEY),
        await client.patch("/v1/notes", json={"status": 503}, headers=KEY),
    ]
    assert ([answer.status_code for answer in answers], caught_up) == ([401, 400, 400, 503], [])


async def test_who_reads_no_list(client: httpx.AsyncClient, caught_up: list[str]) -> None:
    """Reads pay nothing, and neither does a route that anybody may call."""
    assert (await client.get("/v1/notes", headers=KEY)).status_code == 200
    for status in (200, 400):
        assert (await client.post("/v1/notes/public", json={"status": status})).status_code == status
    assert caught_up == []
