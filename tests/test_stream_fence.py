"""Streams against what takes access away, over three workers: nothing arrives that was posted after the answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_app.testing import Start
from parley_auth.testing import Account, an_account, auth_settings
from parley_core import EventLog
from parley_core.kernel.settings import CoreSettings
from parley_core.testing.streams import Listener, listening
from parley_interviews.testing import create_interview

STREAMS, POSTS = 3, 10
Act = Callable[[httpx.AsyncClient, Account, Account, str], Awaitable[httpx.Response]]


async def remove(server: httpx.AsyncClient, admin: Account, leaver: Account, address: str) -> httpx.Response:
    """Remove a participant, who is replaced by another one."""
    added = await server.post(f"{address}/participants", json={"user_id": admin.id}, headers=admin.headers)
    assert added.status_code == 201, added.text
    return await server.delete(f"{address}/participants/{leaver.id}", headers=admin.headers)


async def deactivate(server: httpx.AsyncClient, admin: Account, leaver: Account, _: str) -> httpx.Response:
    return await server.patch(f"/v1/users/{leaver.id}", json={"active": False}, headers=admin.headers)


async def demote(server: httpx.AsyncClient, admin: Account, leaver: Account, _: str) -> httpx.Response:
    return await server.patch(f"/v1/users/{leaver.id}", json={"role": "interviewer"}, headers=admin.headers)


async def log_out(server: httpx.AsyncClient, _admin: Account, leaver: Account, _: str) -> httpx.Response:
    return await server.post("/v1/auth/logout", headers=leaver.headers)


@pytest.fixture
async def server(start: Start, core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of three workers; each request has a connection of its own, so that any worker may get it."""
    uri, secret = core_settings.mongodb_uri, auth_settings().jwt_secret
    assert uri
    assert secret
    serving = await asyncio.to_thread(
        start,
        "--workers",
        "3",
        PARLEY_MONGODB_URI=uri.get_secret_value(),
        PARLEY_MONGODB_DATABASE=core_settings.mongodb_database,
        PARLEY_JWT_SECRET=secret.get_secret_value(),
    )
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=serving.url, limits=limits, timeout=20) as client:
        yield client


class Scene:
    """Accounts, and a client of the workers that they talk to.

    Args:
        app: an application on the same database, in which accounts are created.
        server: the client.
        admin: takes access away.
        poster: takes part in each interview, and posts.
    """

    def __init__(self, app: FastAPI, server: httpx.AsyncClient, admin: Account, poster: Account) -> None:
        self.app = app
        self._server = server
        self._admin = admin
        self._poster = poster

    async def stays_silent(self, act: Act, leaver: Account, *, events: bool) -> None:
        """Take access away from one who follows on several workers, post at once, and see what still arrives.

        Those whose access goes on get everything, in a stream of the same kind.
        """
        interview = await create_interview(self._server, self._admin, leaver, self._poster)
        address, query = f"/v1/interviews/{interview['id']}", await self._query(events=events)
        followed = "/v1/events" if events else f"{address}/messages"
        stayer = self._admin if events else self._poster
        async with AsyncExitStack() as stack:

            async def follow(follower: Account) -> Listener:
                return await stack.enter_async_context(
                    listening(self._server, f"{followed}/stream", follower.headers, **query)
                )

            streams = [await follow(leaver) for _ in range(STREAMS)]
            control = await follow(stayer)
            before = await self._post(address)
            for stream in (*streams, control):
                assert {_sequence(event.data) for event in await self._of(stream, interview, 1)} == {before}
            answer = await act(self._server, self._admin, leaver, address)
            assert answer.is_success, answer.text
            after = sorted(await asyncio.gather(*(self._post(address) for _ in range(POSTS))))
            assert [_sequence(event.data) for event in await self._of(control, interview, POSTS)] == after
            late = [
                _sequence(event.data)
                for stream in streams
                for event in await stream.rest()
                if "data" in event.fields and _log(event.data) == interview["id"]
            ]
        assert [seq for seq in late if seq in after] == []

    async def _query(self, *, events: bool) -> dict[str, Any]:
        if not events:
            return {}
        return {"type": "message.posted", "after": await self.app.state.parley.require(EventLog).head()}

    async def _of(self, stream: Listener, interview: Mapping[str, Any], count: int) -> list[Any]:
        """Return the next events of an interview; the log of all events has those of others too."""
        found: list[Any] = []
        while len(found) < count:
            found += [event for event in await stream.events(1) if _log(event.data) == interview["id"]]
        return found

    async def _post(self, address: str) -> int:
        answer = await self._server.post(f"{address}/messages", json={"content": "Hello"}, headers=self._poster.headers)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["seq"])


def _sequence(data: Mapping[str, Any]) -> int:
    return int(data["seq"] if "seq" in data else data["rev"])


def _log(data: Mapping[str, Any]) -> str:
    return str(data["interview_id"] if "interview_id" in data else data["subject_id"])


@pytest.fixture
def scene(
    app: FastAPI, server: httpx.AsyncClient, admin: Account, interviewer: Account, client: httpx.AsyncClient
) -> Scene:
    return Scene(app, server, admin, interviewer)


@pytest.mark.attack
async def test_messages(scene: Scene) -> None:
    """Not one message arrives that was posted after a removal, a deactivation or a logout was answered.

    Participants read messages whatever the role of their account is, so that a change of it takes nothing away.
    """
    for _ in range(rounds(2, full=200)):
        leavers = [await an_account(scene.app) for _ in range(3)]
        acts = zip((remove, deactivate, log_out), leavers, strict=True)
        await asyncio.gather(*(scene.stays_silent(act, leaver, events=False) for act, leaver in acts))


@pytest.mark.chaos
@pytest.mark.attack
async def test_events(scene: Scene) -> None:
    """Not one event arrives that was committed after a demotion, a deactivation or a logout was answered."""
    for _ in range(rounds(2, full=200)):
        leavers = [await an_account(scene.app, "admin") for _ in range(3)]
        acts = zip((demote, deactivate, log_out), leavers, strict=True)
        await asyncio.gather(*(scene.stays_silent(act, leaver, events=True) for act, leaver in acts))
