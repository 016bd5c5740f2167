"""A loss of rights on one worker applies to the next request on any other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from counts import rounds
from fastapi import FastAPI

from parley_auth.sessions import refreshing
from parley_auth.testing import PASSWORD, Account, an_account, log_in

ROUNDS = rounds(3, full=200)  # each worker acts in every third
ME = "/v1/users/me"


@dataclass(frozen=True)
class Scene:
    """An administrator, and a victim whose second session is about to lose its rights."""

    admin: Account
    victim: Account
    own: dict[str, str]
    lost: dict[str, str]

    @property
    def address(self) -> str:
        """The address at which administrators change the victim."""
        return f"/v1/users/{self.victim.id}"


Act = Callable[[httpx.AsyncClient, Scene], Awaitable[httpx.Response]]


async def log_out(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    return await worker.post("/v1/auth/logout", headers=scene.lost)


async def log_out_everywhere(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    return await worker.post("/v1/auth/logout-all", headers=scene.own)


async def end_sessions_of(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    return await worker.post(f"{scene.address}/logout-all", headers=scene.admin.headers)


async def reset_password(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    link = await worker.post(f"{scene.address}/link", json={"purpose": "reset"}, headers=scene.admin.headers)
    body = {"token": link.json()["token"], "password": "ten blue bottles"}
    return await worker.post("/v1/auth/accept", json=body)


async def end_session(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    sessions = (await worker.get("/v1/auth/sessions", headers=scene.lost)).json()["items"]
    [lost] = [session["id"] for session in sessions if session["current"]]
    return await worker.delete(f"/v1/auth/sessions/{lost}", headers=scene.own)


async def change_password(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    body = {"current_password": PASSWORD, "new_password": "ten blue bottles"}
    return await worker.post("/v1/users/me/password", json=body, headers=scene.own)


async def deactivate(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    return await worker.patch(scene.address, json={"active": False}, headers=scene.admin.headers)


async def demote(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    return await worker.patch(scene.address, json={"role": "candidate"}, headers=scene.admin.headers)


async def reuse(worker: httpx.AsyncClient, scene: Scene) -> httpx.Response:
    """End a new session by using its refresh token twice; its access token is the lost one."""
    login = {"email": scene.victim.user.email, "password": PASSWORD}
    pair = (await worker.post("/v1/auth/login", json=login)).json()
    scene.lost["Authorization"] = f"Bearer {pair['access_token']}"
    assert (await worker.get(ME, headers=scene.lost)).status_code == 200
    for status in (200, 401):
        answer = await worker.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})
        assert answer.status_code == status
    return httpx.Response(204)


ACTS: list[Any] = [
    pytest.param(act, url, status, id=act.__name__)
    for act, url, status in [
        (log_out, ME, 401),
        (log_out_everywhere, ME, 401),
        (end_sessions_of, ME, 401),
        (reset_password, ME, 401),
        (end_session, ME, 401),
        (change_password, ME, 401),
        (deactivate, ME, 401),
        (reuse, ME, 401),
        (demote, "/v1/users", 403),
    ]
]


@pytest.fixture
def _undelayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers to refreshes without their delay: here they never race."""
    monkeypatch.setattr(refreshing, "race_after", lambda _latency: timedelta(0))


@pytest.mark.attack
@pytest.mark.parametrize(("act", "url", "status"), ACTS)
@pytest.mark.usefixtures("client", "_undelayed")
async def test_three_workers(app: FastAPI, workers: list[httpx.AsyncClient], act: Act, url: str, status: int) -> None:
    """After an act on one worker both other workers refuse the request that they allowed before."""
    admin = await an_account(app, "admin")
    for number in range(ROUNDS):
        victim = await an_account(app, "admin", password=PASSWORD)
        scene = Scene(admin, victim, victim.headers, await log_in(app.state.parley, victim.user))
        acting, *others = workers[number % 3 :] + workers[: number % 3]
        assert [(await other.get(url, headers=scene.lost)).status_code for other in others] == [200, 200]
        assert (await act(acting, scene)).is_success
        assert [(await other.get(url, headers=scene.lost)).status_code for other in others] == [status, status]
